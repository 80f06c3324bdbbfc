"""Whether layers look the same by every road: mounted, written by us, and unpacked by GNU tar and
by containerd.

    python bench/trees.py [--layers 1000] [--packages 32] [--hostile 1000] [--images abc]

Needs root. Compared are the images that pulls are measured with (`tools/pull_images.py`), Debian's
packages as layers (those this machine has installed, fetched again by `apt-get download`), this
machine's own files, sparse ones among them, and layers made at random; every layer by itself, and
every image as a container sees it. Type, mode, owner, size, time, attributes, device, link groups
and content are compared. Each layer goes through `fsck.erofs` (1.7 or later) before the kernel
mounts it. Where others have rules of their own, `tools/departures.py` says which.

Hostile layers have headers with random fields and right checksums; they are refused, or pass
`fsck.erofs`, and are not mounted.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.layer_files import GHOST, Facts, mounted, sealed, untarred, walked
from tools.containerd_daemon import Daemon, containerd
from tools.containerd_trees import unpacked as unpacked_by_containerd
from tools.departures import Departures, LayerRules, as_overlay, of_lowest, takes
from tools.peer_programs import peer_programs
from tools.tree_layers import (
    Image,
    batched,
    hostile,
    made,
    measured,
    of_layers,
    old_sparse_files,
    own_files,
    packages,
    sparse_files,
)

from towline.content.extract import extract, remove_tree
from towline.content.layer_file import LayerFile
from towline.content.tar_field import BadTar
from towline.linux.mounts import mount_overlay, unmount_if_mounted
from towline.oci.digest import Digest
from towline.sandbox.lower_layers import lower_layers

CACHE = Path(__file__).parent.parent / ".cache" / "bench"
PER_IMAGE = 100  # as many as containerd stacks at most by its own string of options


@dataclass(frozen=True, slots=True)
class Layers:
    """Layer files in a folder, by their digest; see `towline.sandbox.lower_layers`."""

    folder: Path

    def path(self, diff_id: Digest) -> Path:
        """The file of a layer."""
        return self.folder / diff_id.hex

    def is_mountable(self, diff_id: Digest) -> bool:
        """Whether it shows all its files by itself."""
        return LayerFile.open(self.path(diff_id)).whole


class Comparison:
    """Compares images in a folder that is empty between them."""

    def __init__(self, folder: Path, fsck: Path, daemon: Daemon) -> None:
        self._folder = folder
        self._fsck = fsck
        self._daemon = daemon
        self.departures = Departures()
        self.seen = Counter[str]()

    def compare(self, image: Image) -> None:
        """Go all roads; ends the program where they part. An image without a layout goes past
        containerd, which refuses it.
        """
        layers = Layers(self._folder / "layers")
        layers.folder.mkdir()
        for data in image.layers:
            sealed(layers.path(Digest.of(data)), data)
        whole = self._whole(image, layers)
        if image.layout is None:
            for data in image.layers:
                self._layer(image.name, data, layers.path(Digest.of(data)))
            self.seen["layers of images that containerd refuses"] += len(image.layers)
        else:
            self._compare_with_containerd(image, image.layout, layers, whole)
            self.seen[f"layers of {image.name.split(' ')[0]}"] += len(image.layers)
        remove_tree(layers.folder)

    def _compare_with_containerd(
        self, image: Image, layout: Path, layers: Layers, whole: Facts
    ) -> None:
        diff_ids = [str(Digest.of(data)) for data in image.layers]
        rules = self.departures.of_image()
        with unpacked_by_containerd(self._daemon, layout, diff_ids) as folders:
            for number, data in enumerate(image.layers):
                what = f"{image.name}, layer {number}"
                mine, ours = self._layer(what, data, layers.path(Digest.of(data)))
                theirs = walked(folders[number])
                shown = mine.of_containerd(ours if number else of_lowest(ours))
                _require_equal(f"{what}, containerd", shown, mine.settled(theirs))
                rules.add(mine, ours, theirs)
            stacked = self._stacked(folders)
        expected = rules.settled(rules.of_containerd(whole))
        _require_equal(f"{image.name}, containerd", expected, rules.settled(stacked))

    def compare_alone(self, what: str, data: bytes) -> None:
        """Without containerd: a layer that it refuses."""
        layer = sealed(self._folder / "layer", data)
        rules, ours = self._layer(what, data, layer)
        extract([layer], self._folder / "ours")
        _require_equal(f"{what}, written", ours, rules.settled(walked(self._folder / "ours")))
        remove_tree(self._folder / "ours")
        self.seen[f"layers {what}"] += 1

    def _layer(self, what: str, data: bytes, layer: Path) -> tuple[LayerRules, Facts]:
        """One layer, mounted and by GNU tar."""
        self.check(layer)
        rules = self.departures.of_layer(data)
        gnu = as_overlay(walked(untarred(self._folder / "tar", data, self._folder / "gnu")))
        remove_tree(self._folder / "gnu")
        with mounted(layer, self._folder / "mounted") as at:
            ours = rules.settled(walked(at))
        _require_equal(f"{what}, GNU tar", ours, rules.settled(gnu))
        self.seen["files"] += len(ours)
        return rules, ours

    def _whole(self, image: Image, layers: Layers) -> Facts:
        """What a container sees, by our mounts and written by us."""
        diff_ids = tuple(map(Digest.of, image.layers))
        extract([layers.path(diff_id) for diff_id in diff_ids], self._folder / "ours")
        written = walked(self._folder / "ours")
        remove_tree(self._folder / "ours")
        lowers = lower_layers(self._folder / "lowers", layers)
        try:
            ours = self._stacked(asyncio.run(lowers.folders(diff_ids)))
        finally:
            asyncio.run(lowers.keep_only(lambda: ()))
        _require_equal(f"{image.name}, mounted and written", ours, written)
        assert GHOST not in ours.values()
        return ours

    def _stacked(self, folders: Sequence[Path]) -> Facts:
        with tempfile.TemporaryDirectory(dir=self._folder) as name:
            upper, work, root = (Path(name) / each for each in ("upper", "work", "root"))
            for each in (upper, work, root):
                each.mkdir()
            mount_overlay(folders, upper, work, root)
            try:
                return walked(root)
            finally:
                unmount_if_mounted(root)

    def refuse(self, data: bytes) -> None:
        """What is not refused must be a sound filesystem."""
        try:
            layer = sealed(self._folder / "hostile", data)
        except BadTar as error:
            self.seen["refused"] += 1
            self.seen[f"refused: {str(error).split(':')[-1].strip()[:40]}"] += 1
            return
        self.check(layer)
        self.seen["hostile, but sound"] += 1

    def check(self, layer: Path) -> None:
        """Have `fsck.erofs` read all of it."""
        checked = subprocess.run([self._fsck, layer], capture_output=True, text=True, check=False)
        if checked.returncode:
            sys.exit(f"{self._fsck}: {checked.stdout}{checked.stderr}; kept: {layer}")


def _require_equal(what: str, found: Facts, expected: Facts) -> None:
    for path in sorted(found.keys() | expected.keys()):
        if found.get(path) != expected.get(path):
            sys.exit(f"{what}: {path}:\n{found.get(path)}\n{expected.get(path)}")


def main() -> None:
    """Compare, and say how much was."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--layers", type=int, default=1000)
    parser.add_argument("--packages", type=int, default=32)
    parser.add_argument("--hostile", type=int, default=1000)
    parser.add_argument("--images", default="abc", help="letters of `tools/pull_images.py`")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    programs = peer_programs(CACHE)
    with tempfile.TemporaryDirectory(prefix="tl-trees-", dir=CACHE) as name:
        folder = Path(name)
        (folder / "containerd").mkdir()
        with containerd(programs, folder / "containerd") as daemon:
            comparison = Comparison(folder, programs / "fsck.erofs", daemon)
            for image in images(folder, options):
                comparison.compare(image)
            comparison.compare_alone("that containerd refuses", old_sparse_files(folder / "old"))
        chance = random.Random(options.seed)
        for data in made(options.hostile, options.seed, stacked=False):
            comparison.refuse(hostile(data, chance))
    for what, count in (comparison.seen + comparison.departures.seen).most_common():
        print(f"{count:8} {what}")


def images(folder: Path, options: argparse.Namespace) -> Iterator[Image]:
    """Everything that was asked for."""
    yield from (measured(CACHE, name) for name in options.images)
    source = folder / "source"
    yield of_layers("machine", [*own_files(), *sparse_files(folder / "sparse").values()], source)
    if options.packages:
        yield of_layers("packages", list(packages(folder, options.packages)), source)
    stacked = made(options.layers, options.seed, stacked=True)
    for number, batch in enumerate(batched(stacked, PER_IMAGE)):
        taken = list[bytes]()
        for data in batch:
            taken += [data] if takes(data, taken) else []
        yield of_layers(f"made {number}", taken, source)
        if taken != batch:
            yield Image(f"made {number}, all of it", batch, None)


if __name__ == "__main__":
    main()
