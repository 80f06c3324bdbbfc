"""The files of an image on disk, in a folder or in a tar: named, small ones read, large ones
streamed.
"""

from __future__ import annotations

import contextlib
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from towline.content.inflate import unpacked
from towline.content.tar_field import BadTar
from towline.problem import Problem

PIECE = 256 * 1024
MAX_DOCUMENT = 16 * 1024 * 1024
_LINKS_TO_FOLLOW = 8


def _nobody(_: int) -> None:
    """Listens to no progress."""


@dataclass(frozen=True, slots=True)
class FilePart:
    """Some bytes of a file, as content of a request; `report` is told how many have been read."""

    path: Path
    offset: int
    size: int
    report: Callable[[int], None] = _nobody

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[bytes]:
        have = 0
        with self.path.open("rb") as file:
            file.seek(self.offset)
            while have < self.size:
                piece = file.read(min(PIECE, self.size - have))
                if not piece:
                    raise OSError(f"{self.path} became shorter while it was read")
                have += len(piece)
                yield piece
                self.report(have)


class Archive(Protocol):
    """Named files, wherever they are."""

    def find(self, name: str) -> FilePart | None:
        """Where a file's bytes are; None when there is no such file."""
        ...


class FolderArchive:
    """Files in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, name: str) -> FilePart | None:
        """See `Archive.find`."""
        path = self._folder / name
        return FilePart(path, 0, path.stat().st_size) if path.is_file() else None


class TarArchive:
    """Files in a tar that is not compressed. Links inside it are followed, as `docker save` makes
    them.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with tarfile.open(path, "r:") as tar:
            self._members = {_plain(member.name): member for member in tar}

    def find(self, name: str) -> FilePart | None:
        """See `Archive.find`."""
        for _ in range(_LINKS_TO_FOLLOW):
            member = self._members.get(_plain(name))
            if member is None:
                return None
            if member.isreg():
                return FilePart(self._path, member.offset_data, member.size)
            folder = Path(member.name).parent if member.issym() else Path()
            name = str(folder / member.linkname)
        return None


def _plain(name: str) -> str:
    parts = list[str]()
    for part in name.split("/"):
        if part == "..":
            parts[-1:] = []
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts)


def read_document(archive: Archive, name: str) -> bytes | None:
    """A small file's bytes; None when there is no such file. Raises `Problem` for a large one."""
    part = archive.find(name)
    if part is None:
        return None
    if part.size > MAX_DOCUMENT:
        raise not_an_image(f"its {name} has {part.size} bytes")
    return b"".join(part)


def open_archive(path: Path, scratch: Path) -> Archive:
    """The files at a path; a compressed tar is unpacked into the scratch folder first. Raises
    `Problem`.
    """
    return FolderArchive(path) if path.is_dir() else _tar(path, scratch)


def _tar(path: Path, scratch: Path) -> Archive:
    try:
        return TarArchive(_uncompressed(path, scratch))
    except (OSError, tarfile.TarError, BadTar) as error:
        raise not_an_image(str(error)) from error


def _uncompressed(path: Path, scratch: Path) -> Path:
    if tarfile.is_tarfile(path):
        with contextlib.suppress(tarfile.TarError), tarfile.open(path, "r:"):
            return path
    part = FilePart(path, 0, path.stat().st_size)
    with tempfile.NamedTemporaryFile(dir=scratch, delete=False) as plain:
        for piece in unpacked(part):
            plain.write(piece)
    return Path(plain.name)


def not_an_image(reason: str) -> Problem:
    """What is said of a path that holds no image."""
    return Problem(
        "not-an-image",
        cause=f"this is neither an OCI layout nor a docker archive: {reason}",
        remedy="Give the folder or tar of an OCI layout, or what `docker save` wrote.",
    )


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for what has to be packed before it is sent; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="towline-push-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
