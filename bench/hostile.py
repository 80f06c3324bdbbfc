"""What layers that were made to do harm cost us, at full size, and what is said of each.

    python bench/hostile.py [--only WORDS]

Each layer (`tools/hostile_layers.py`) is written to a file and taken in by the layer store in a
process of its own, as a pull does. Printed are the peaks of its memory and of the disk it took, its
seconds of CPU, and the refusal, or that the layer was taken; one that was taken has passed
`fsck.erofs` and, as root, has been mounted and looked through. A limit that is broken (they are in
`docs/limits.md`), another refusal, and anything that a refused layer leaves behind end it with a
failure. It needs some 8 GB of disk below .cache and ten minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.layer_files import mounted
from tools.hostile_layers import LAYERS, MB, HostileLayer
from tools.peer_programs import peer_programs

from towline.oci import media_type
from towline.oci.digest import Digest
from towline.oci.manifest import Descriptor
from towline.pull.layers import Layer

ROOT = Path(__file__).parent.parent
CACHE = ROOT / ".cache" / "bench"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a layer took, and what was said of it."""

    memory: float
    disk: float
    cpu: float
    said: str
    left: tuple[Path, ...]


def cost_of(packed: Path, layer: Layer, root: Path) -> Cost:
    """The same, in a process that is looked at meanwhile."""
    words = [str(packed), str(layer.diff_id), str(layer.descriptor.digest), str(root)]
    command = [sys.executable, "-m", "tools.hostile_intake", *words]
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, stdout=out, cwd=ROOT)
        disk = 0.0
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            disk = max(disk, taken_by(root))
            if pid:
                break
            time.sleep(0.02)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said, _, peak = out.read().strip().rpartition("\n")
    if process.returncode != 0:
        sys.exit(f"the process that took the layer ended with {process.returncode}")
    left = tuple(path for path in root.rglob("*") if path.is_file() and path.parent != root)
    return Cost(int(peak) / 1024, disk, usage.ru_utime + usage.ru_stime, said, left)


def taken_by(folder: Path) -> float:
    """Megabytes on the disk."""
    size = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            size += path.lstat().st_blocks * 512
    return size / MB


def broken(hostile: HostileLayer, cost: Cost) -> Iterator[str]:
    """What was promised otherwise."""
    limits = hostile.limits
    for what, found, limit in (
        ("memory", cost.memory, limits.memory),
        ("disk", cost.disk, limits.disk),
        ("cpu", cost.cpu, limits.cpu),
    ):
        if found > limit:
            yield f"{what}: {found:.0f} of {limit}"
    if hostile.refusal and hostile.refusal not in cost.said:
        yield f"not refused with {hostile.refusal!r}"
    if not hostile.refusal and cost.said != "taken":
        yield "not taken"
    if hostile.refusal and cost.left:
        yield f"left behind: {', '.join(map(str, cost.left))}"


def look_through(layer: Path, fsck: Path, folder: Path) -> Iterator[str]:
    """Let `fsck.erofs` read a layer that was taken, then the kernel."""
    checked = subprocess.run([fsck, layer], capture_output=True, text=True, check=False)
    if checked.returncode:
        yield f"fsck.erofs: {checked.stdout}{checked.stderr}"
    elif os.geteuid() == 0:
        with mounted(layer, folder / "mounted") as at:
            for path in at.rglob("*"):
                path.lstat()
                os.listxattr(path, follow_symlinks=False)


def judged(hostile: HostileLayer, fsck: Path, folder: Path) -> tuple[Cost, list[str]]:
    """What one costs, and what is wrong with that."""
    packed, root = folder / "packed", folder / "layers"
    diff_id = Digest.parse(hostile.write(packed) or f"sha256:{'0' * 64}")
    with packed.open("rb") as content:
        digest = Digest.parse(f"sha256:{_sha256(content.fileno())}")
    descriptor = Descriptor(media_type.OCI_LAYER_GZIP, digest, packed.stat().st_size)
    cost = cost_of(packed, Layer(descriptor, diff_id), root)
    wrong = list(broken(hostile, cost))
    if cost.said == "taken":
        wrong += look_through(cost.left[0], fsck, folder)
    return cost, wrong


def _sha256(fd: int) -> str:
    with os.fdopen(os.dup(fd), "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def main() -> None:
    """Let all of them come."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", default="", help="those whose name has these words")
    options = parser.parse_args()
    fsck, failed = peer_programs(CACHE) / "fsck.erofs", 0
    print(f"{'':42}{'MEMORY':>8}{'DISK':>9}{'CPU':>8}")
    for name, hostile in LAYERS.items():
        if options.only not in name:
            continue
        with tempfile.TemporaryDirectory(prefix="tl-hostile-", dir=CACHE) as folder:
            cost, wrong = judged(hostile, fsck, Path(folder))
        figures = f"{cost.memory:>5.0f} MB{cost.disk:>6.0f} MB{cost.cpu:>6.1f} s"
        print(f"{name:42}{figures}  {cost.said[-90:]}", flush=True)
        for each in wrong:
            print(f"  BROKEN: {each}", flush=True)
        failed += bool(wrong)
    if failed:
        sys.exit(f"{failed} broke a limit")


if __name__ == "__main__":
    main()
