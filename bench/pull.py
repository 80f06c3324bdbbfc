"""How long a pull takes: ours beside `skopeo copy` and `podman pull`, same image, registry and run.

    python bench/pull.py [--rounds 3] [--megabytes 300]

The image is made of this machine's own files and lies in a docker-registry on the loopback. Every
run gets a fresh filesystem (as root: ext4 in a file of its own): on a used one, what the previous
run removed slows the next one down. The peers take turns, and medians are compared. `skopeo copy
dir:` only downloads and verifies; `podman pull` also unpacks; ours ends when every layer can be
mounted, and includes the start of Python.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.images import MadeImage, image
from tests.registries import docker_registry, put_image

_OURS = """
import sys
from pathlib import Path
from towline.client.pull import PullWish, pull_to_store
from towline.client.registry_access import RegistryAccess
from towline.oci.platform import Platform
from towline.oci.reference import Reference
from towline.pull.progress import NoProgress
wish = PullWish(Reference.parse(sys.argv[1]), Platform("linux", "amd64"), RegistryAccess())
pull_to_store(wish, Path(sys.argv[2]), NoProgress())
"""
_SOURCES = ("/usr/lib/python3", "/usr/lib/x86_64-linux-gnu", "/usr/share", "/usr/bin")
LAYERS = 4


def made_image(megabytes: int) -> MadeImage:
    """An image of this machine's files in several layers."""
    files = (path for source in _SOURCES for path in sorted(Path(source).rglob("*")))
    layers = [_layer(files, megabytes * 1_000_000 // LAYERS) for _ in range(LAYERS)]
    return image(*layers)


def _layer(files: Iterator[Path], size: int) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for path in files:
            if path.is_symlink() or path.is_file():
                archive.add(path, str(path).lstrip("/"), recursive=False)
            if out.tell() > size:
                break
    return out.getvalue()


@contextlib.contextmanager
def fresh_folder(megabytes: int) -> Iterator[Path]:
    """A folder on a filesystem that nobody has used, if we may make one."""
    folder = Path(tempfile.mkdtemp(prefix="towline-bench-"))
    try:
        if os.geteuid() != 0:
            yield folder
            return
        disk, mounted = folder / "disk", folder / "fresh"
        with disk.open("wb") as file:
            file.truncate((megabytes * 4 + 500) * 1_000_000)
        mounted.mkdir()
        subprocess.run(["mkfs.ext4", "-q", "-E", "lazy_itable_init=0", disk], check=True)
        subprocess.run(["mount", "-o", "loop", disk, mounted], check=True)
        try:
            yield mounted
        finally:
            subprocess.run(["umount", mounted], check=True)
    finally:
        shutil.rmtree(folder)


def commands(reference: str, folder: Path) -> dict[str, list[str]]:
    """What is run for each peer."""
    podman = ["podman", "--root", f"{folder}/root", "--runroot", f"{folder}/run"]
    podman += ["--storage-driver", "overlay", "pull", "-q", "--tls-verify=false"]
    skopeo = ["skopeo", "copy", "-q", "--src-tls-verify=false"]
    return {
        "towline pull": [sys.executable, "-c", _OURS, reference, f"{folder}/layers"],
        "skopeo copy (download only)": [*skopeo, f"docker://{reference}", f"dir:{folder}/dir"],
        "podman pull": [*podman, reference],
    }


def seconds(command: list[str]) -> float:
    """How long a command takes."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--megabytes", type=int, default=300)
    options = parser.parse_args()
    made = made_image(options.megabytes)
    packed = sum(len(made.blobs[layer]) for layer in made.layers)
    print(f"{options.megabytes} MB in {LAYERS} layers, {packed / 1e6:.0f} MB packed")
    times: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, docker_registry(Path(folder)) as address:
        put_image(address, "bench/image", "latest", made)
        for _ in range(options.rounds):
            for peer in commands("", Path()):
                with fresh_folder(options.megabytes) as fresh:
                    command = commands(f"{address}/bench/image:latest", fresh)[peer]
                    times.setdefault(peer, []).append(seconds(command))
    ours = statistics.median(times["towline pull"])
    print(
        f"{'':30}{'median s':>10}{'best s':>10}{'ours/theirs':>13}   load {os.getloadavg()[0]:.1f}"
    )
    for peer, measured in times.items():
        median = statistics.median(measured)
        print(f"{peer:30}{median:>10.2f}{min(measured):>10.2f}{ours / median:>13.2f}")


if __name__ == "__main__":
    main()
