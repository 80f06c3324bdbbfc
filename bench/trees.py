"""Whether layers look the same by every road: mounted, written by us, and unpacked by GNU tar.

    python bench/trees.py [--layers 1000] [--packages 30] [--hostile 1000] [--fsck fsck.erofs]

Needs root. Layers are made at random, of Debian's packages (those this machine has installed,
fetched again by `apt-get download`), and of this machine's own files with sparse ones among them.
Type, mode, owner, size, time, attributes, device, link groups and content are compared. Each layer
goes through `fsck.erofs` (1.7 or later: Debian 12 has 1.5, which knows no blocks of 512 bytes)
before the kernel mounts it. Hostile layers have headers with random fields and right checksums;
they are refused, or pass `fsck.erofs`, and are not mounted.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from hypothesis import HealthCheck, Phase, given, seed, settings
from tests.layer_files import Facts, made_layers, mounted, sealed, sparse_tars, untarred, walked

from towline.content.extract import extract, remove_tree
from towline.content.tar_field import BadTar

_BLOCK = 512
_FIELDS = (  # where numbers, names and flags stand in a header
    (0, 100), (100, 8), (108, 8), (116, 8), (124, 12), (136, 12), (156, 1), (157, 100), (329, 8),
    (337, 8), (345, 155),
)  # fmt: skip


class Comparison:
    """Compares layers in a folder that is empty between them."""

    def __init__(self, folder: Path, fsck: str) -> None:
        self._folder = folder
        self._fsck = fsck
        self.seen = Counter[str]()

    def compare(self, what: str, data: bytes) -> None:
        """Go all roads; ends the program where they part."""
        layer = sealed(self._folder / "layer", data)
        self.check(layer)
        expected = walked(untarred(self._folder / "tar", data, self._folder / "gnu"))
        extract([layer], self._folder / "ours")
        with mounted(layer, self._folder / "mounted") as at:
            _require_equal(what, walked(at), expected)
        _require_equal(what, walked(self._folder / "ours"), expected)
        for made in ("gnu", "ours"):
            remove_tree(self._folder / made)
        self.seen[what.split(" ", maxsplit=1)[0]] += 1
        self.seen["files"] += len(expected)

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


def packages(folder: Path, count: int) -> Iterator[tuple[str, bytes]]:
    """Debian packages as layers; those with the most files of each size come first."""
    listed = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Installed-Size} ${Package}\n"],
        capture_output=True, text=True, check=True,
    ).stdout.split("\n")  # fmt: skip
    sized = sorted((int(size), name) for size, _, name in (line.partition(" ") for line in listed)
                   if size.isdigit() and int(size) < 40_000)  # fmt: skip
    for _, name in sized[-1 :: -max(1, len(sized) // (2 * count))]:
        fetched = subprocess.run(
            ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", name],
            cwd=folder, capture_output=True, check=False,
        )  # fmt: skip
        for package in folder.glob("*.deb"):
            tar = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], capture_output=True,
                                 check=True).stdout  # fmt: skip
            package.unlink()
            if fetched.returncode == 0:
                yield f"package {name}", tar


def own_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Some of this machine's files, and sparse ones in each of GNU tar's four formats."""
    for place in (Path("/etc"), Path("/usr/lib/python3")):
        command = ["tar", "-c", "--format=posix", "--xattrs", "-C", str(place.parent), place.name]
        yield f"machine {place}", subprocess.run(command, capture_output=True, check=True).stdout
    for form, data in sparse_tars(folder):
        yield f"sparse {form}", data


def at_random(count: int, start: int) -> list[bytes]:
    """Layers that hypothesis makes."""
    made = list[bytes]()

    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @seed(start)
    @given(made_layers())
    def each(data: bytes) -> None:
        made.append(data)

    each()
    return made


def hostile(data: bytes, chance: random.Random) -> bytes:
    """The tar with some field of some header changed, and its checksum right again."""
    made = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(made) // _BLOCK) * _BLOCK
        place, length = chance.choice(_FIELDS)
        value = chance.choice(
            [chance.randbytes(length), b"\xff" * length, b"\x80" + chance.randbytes(length),
             b"7" * length, b"../../etc/passwd", b"/etc/shadow\0", b"SKLxg123456789", b"-1\0"]
        )  # fmt: skip
        made[at + place : at + place + length] = value[:length].ljust(length, b"\0")
        made[at + 148 : at + 156] = b" " * 8
        made[at + 148 : at + 156] = b"%06o\0 " % sum(made[at : at + _BLOCK])
    return bytes(made)


def main() -> None:
    """Compare, and say how much was."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--layers", type=int, default=1000)
    parser.add_argument("--packages", type=int, default=30)
    parser.add_argument("--hostile", type=int, default=1000)
    parser.add_argument("--fsck", default="fsck.erofs")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tl-trees-") as name:
        folder = Path(name)
        comparison, chance = Comparison(folder, options.fsck), random.Random(options.seed)
        for what, data in own_files(folder / "sparse"):
            comparison.compare(what, data)
        for number, data in enumerate(
            at_random(max(options.layers, options.hostile), options.seed)
        ):
            if number < options.layers:
                comparison.compare(f"made {number}", data)
            if number < options.hostile:
                comparison.refuse(hostile(data, chance))
        for what, data in packages(folder, options.packages):
            if comparison.seen["package"] < options.packages:
                comparison.compare(what, data)
    for what, count in comparison.seen.most_common():
        print(f"{count:8} {what}")


if __name__ == "__main__":
    main()
