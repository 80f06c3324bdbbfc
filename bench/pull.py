"""How long an image takes from nothing to a container's first output: ours beside the others'.

    python bench/pull.py [--image a|b|c] [--runs N] [--peers NAME,…] [--json]

The images (`tools/pull_images.py`) are made of this machine's own files and served by Debian's
docker-registry on the loopback. The peers (`tools/pull_peers.py`) take turns, and every run gets a
filesystem that nobody has used: on a used one, what the previous run removed slows the next one
down. Medians are compared. Needs root, and go and some minutes when it is run for the first time.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.registries import docker_registry
from tools.pull_images import layout
from tools.pull_peers import Peer, Spent, peers

_ROOT = Path(__file__).parent.parent
CACHE = _ROOT / ".cache" / "bench"
DISK_SIZE = 12 * 1024**3


@contextlib.contextmanager
def disk() -> Iterator[str]:
    """A block device of our own, whose file has its room already."""
    with tempfile.NamedTemporaryFile(prefix="tl-bench-", suffix=".disk", dir=CACHE) as file:
        os.posix_fallocate(file.fileno(), 0, DISK_SIZE)
        options = ["--find", "--show", "--direct-io=on"]
        device = subprocess.check_output(["losetup", *options, file.name], text=True).strip()
        try:
            yield device
        finally:
            subprocess.run(["losetup", "--detach", device], check=True)


@contextlib.contextmanager
def fresh(device: str) -> Iterator[Path]:
    """A folder on a filesystem that nobody has used."""
    lazy = "lazy_itable_init=1,lazy_journal_init=1,nodiscard"
    subprocess.run(["mkfs.ext4", "-q", "-F", "-E", lazy, device], check=True)
    with tempfile.TemporaryDirectory(prefix="tl-bench-") as folder:
        subprocess.run(["mount", "-o", "noinit_itable", device, folder], check=True)
        try:
            yield Path(folder)
        finally:
            unmount(Path(folder))
    subprocess.run(["sync"], check=True)


def unmount(folder: Path) -> None:
    """Whatever a peer has left mounted, too."""
    lines = Path("/proc/self/mounts").read_text().splitlines()
    points = [line.split()[1] for line in lines]
    for point in reversed([point for point in points if Path(point).is_relative_to(folder)]):
        deadline = time.monotonic() + 10  # monitors of containers take their time to end
        while subprocess.run(["umount", "-q", point], check=False).returncode != 0:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{point} stays in use")
            time.sleep(0.1)


@contextlib.contextmanager
def served(name: str) -> Iterator[str]:
    """The image in a registry, whose files are in memory; its reference."""
    place = layout(CACHE / "images", name)
    with (
        tempfile.TemporaryDirectory(prefix="tl-bench-", dir=CACHE) as folder,
        docker_registry(Path(folder)) as address,
    ):
        reference = f"{address}/bench/{name}:latest"
        copy = ["skopeo", "copy", "-q", "--dest-tls-verify=false", f"oci:{place}:latest"]
        subprocess.run([*copy, f"docker://{reference}"], check=True)
        yield reference


def measured(reference: str, chosen: Mapping[str, Peer], runs: int) -> dict[str, list[Spent]]:
    """What everybody took, in turn."""
    spent = dict[str, list[Spent]]()
    with disk() as device:
        for number in range(runs):
            for name, peer in chosen.items():
                with fresh(device) as folder:
                    took = peer.run(reference, folder)
                spent.setdefault(name, []).append(took)
                figures = f"{took.seconds:.2f} s (pull {took.pull:.2f}), cpu {took.cpu:.2f} s"
                print(f"{number} {name}: {figures}, {took.rss_mb:.0f} MB", file=sys.stderr)
    return spent


def summary(spent: Mapping[str, list[Spent]]) -> dict[str, dict[str, object]]:
    """Medians, and ours by theirs."""
    medians: dict[str, dict[str, float]] = {
        name: {
            field: round(statistics.median(getattr(each, field) for each in found), 3)
            for field in ("seconds", "cpu", "rss_mb")
        }
        for name, found in spent.items()
    }
    seconds = {name: found["seconds"] for name, found in medians.items()}
    containerds = [value for name, value in seconds.items() if name.startswith("containerd-")]
    if containerds:
        seconds["containerd-best"] = min(containerds)
    rivals = [
        name for name in ("containerd-best", "containerd-default", "podman") if name in seconds
    ]
    ours = seconds.get("towline")
    ratios = {f"towline/{name}": round(ours / seconds[name], 3) for name in rivals if ours}
    return {"medians": dict(medians), "ratios": dict(ratios)}


def show(name: str, result: Mapping[str, Mapping[str, object]]) -> None:
    """For people."""
    print(f"image {name}{'':23}{'seconds':>10}{'cpu':>8}{'MB':>6}   load {os.getloadavg()[0]:.1f}")
    for peer, found in result["medians"].items():
        assert isinstance(found, dict)
        print(f"{peer:30}{found['seconds']:>10.2f}{found['cpu']:>8.2f}{found['rss_mb']:>6.0f}")
    for ratio, value in result["ratios"].items():
        print(f"{ratio:30}{value:>10}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image", choices=("a", "b", "c"), default="a")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peers", default="", help="names, separated by commas; default: all")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    CACHE.mkdir(parents=True, exist_ok=True)
    everybody = peers(CACHE)
    names = options.peers.split(",") if options.peers else everybody
    with served(options.image) as reference:
        chosen = {name: everybody[name] for name in names}
        result = summary(measured(reference, chosen, options.runs))
    if options.json:
        print(json.dumps(result))
    else:
        show(options.image, result)


if __name__ == "__main__":
    main()
