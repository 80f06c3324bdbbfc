"""The images and layers whose trees `bench/trees.py` compares."""

from __future__ import annotations

import itertools
import json
import random
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from tests.images import image, write_layout
from tests.layer_files import made_layers, sparse_tars
from tools.pull_images import layout

from towline.content.inflate import unpacked
from towline.oci import media_type

_BLOCK = 512
_FIELDS = (  # where numbers, names and flags stand in a header
    (0, 100), (100, 8), (108, 8), (116, 8), (124, 12), (136, 12), (156, 1), (157, 100), (329, 8),
    (337, 8), (345, 155),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Image:
    """Layers over each other, lowest first, and the OCI image layout that has them, if one does."""

    name: str
    layers: Sequence[bytes]
    layout: Path | None


def of_layers(name: str, layers: Sequence[bytes], folder: Path) -> Image:
    """An image of these, in a folder that is made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    write_layout(folder, image(*layers, layer_type=media_type.OCI_LAYER))
    return Image(name, layers, folder)


def measured(cache: Path, name: str) -> Image:
    """One of those that pulls are measured with."""
    place = layout(cache / "images", name)
    manifest = _content(place, _content(place, None)["manifests"][0])
    blobs = [_blob(place, each["digest"]) for each in manifest["layers"]]
    layers = [b"".join(map(bytes, unpacked([blob.read_bytes()]))) for blob in blobs]
    return Image(f"measured {name}", layers, place)


def _content(place: Path, descriptor: dict[str, str] | None) -> dict[str, Any]:
    path = _blob(place, descriptor["digest"]) if descriptor else place / "index.json"
    return dict(json.loads(path.read_text()))


def _blob(place: Path, digest: str) -> Path:
    return place / "blobs" / digest.replace(":", "/")


def packages(folder: Path, count: int) -> Iterator[bytes]:
    """Debian packages of all sizes as layers."""
    listed = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Installed-Size} ${Package}\n"],
        capture_output=True, text=True, check=True,
    ).stdout.split("\n")  # fmt: skip
    sized = sorted((int(size), name) for size, _, name in (line.partition(" ") for line in listed)
                   if size.isdigit() and int(size) < 40_000)  # fmt: skip
    names = (name for _, name in sized[-1 :: -max(1, len(sized) // (2 * count))])
    return itertools.islice((tar for name in names for tar in _package(folder, name)), count)


def _package(folder: Path, name: str) -> Iterator[bytes]:
    """The files of a package; nothing where it cannot be had any more."""
    download = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", name]
    subprocess.run(download, cwd=folder, capture_output=True, check=False)
    for package in folder.glob("*.deb"):
        command = ["dpkg-deb", "--fsys-tarfile", str(package)]
        yield subprocess.run(command, capture_output=True, check=True).stdout
        package.unlink()


def own_files() -> Iterator[bytes]:
    """Some of this machine's files."""
    for place in (Path("/etc"), Path("/usr/lib/python3")):
        command = ["tar", "-c", "--format=posix", "--xattrs", "-C", str(place.parent), place.name]
        yield subprocess.run(command, capture_output=True, check=True).stdout


def sparse_files(folder: Path) -> dict[str, bytes]:
    """Sparse files in each of GNU tar's formats but its old one."""
    return {form: data for form, data in sparse_tars(folder) if form != "gnu"}


def old_sparse_files(folder: Path) -> bytes:
    """Sparse files in GNU tar's old format: containerd refuses it, "unhandled tar header type 83"."""
    return dict(sparse_tars(folder))["gnu"]


def made(count: int, start: int, *, stacked: bool) -> list[bytes]:
    """Layers that hypothesis makes, the same for the same start."""
    found = list[bytes]()

    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @seed(start)
    @given(made_layers(stacked=stacked))
    def each(data: bytes) -> None:
        found.append(data)

    if count:
        each()
    return found


def batched(layers: Iterable[bytes], size: int) -> Iterator[list[bytes]]:
    """So many at a time."""
    rest = iter(layers)
    while batch := list(itertools.islice(rest, size)):
        yield batch


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
