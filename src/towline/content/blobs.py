"""Blobs on disk: immutable files named by their digest, and the drafts that become them.

Theory of operation. Bytes arrive in a *draft*, a file that only grows; what is in it is a prefix of
what was sent, also after the process was killed. A draft becomes a blob in this order: its bytes
are hashed and compared, the file is synced, linked to its final name, and the folder is synced.
Only then may anybody write down that the blob exists, and only after that is the draft discarded. A
crash in between leaves a file that nobody knows of and a draft with all that had arrived, never a
name without a file. A draft that still shares its file with a blob is copied before it grows.

    <root>/blobs/<algorithm>/<first two digits>/<digits>
    <root>/uploads/<draft>

Everything here blocks and belongs into a thread.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from towline.oci.digest import Algorithm, Digest

_READ = 1024 * 1024  # bytes read at once when a draft is hashed again
_SHARED = "shared"  # the last part of a name that a draft has for a moment while it becomes a blob
_FAN = 256  # folders of blobs, by the first two digits


class WrongDigest(Exception):
    """The bytes of a draft are not those that it was said to hold."""

    def __init__(self, wanted: Digest, seen: Digest) -> None:
        super().__init__(f"the content is {seen}, not {wanted}")
        self.wanted = wanted
        self.seen = seen


class Draft:
    """Bytes on their way to become a blob.

    The hash covers a prefix of the file. It is carried along while bytes arrive, so that usually
    nothing is read again; in a new process, or for another algorithm, it catches up from the file.
    """

    def __init__(self, path: Path, algorithm: Algorithm = Algorithm.SHA256) -> None:
        self.path = path
        self._file: int | None = None
        self._hashed = 0
        self._start(algorithm)
        self.size = path.stat().st_size if path.exists() else 0

    def append(self, pieces: Sequence[bytes]) -> None:
        """Write these bytes after those that are there."""
        descriptor = self._open()
        in_step = self._hashed == self.size
        try:
            for piece in pieces:
                _write_all(descriptor, piece)
        finally:
            self.size = os.fstat(descriptor).st_size
        if in_step:
            for piece in pieces:
                self._hash.update(piece)
            self._hashed = self.size

    def sync(self) -> None:
        """Return when the bytes are on the disk, and let go of the file."""
        descriptor = self._open()
        os.fdatasync(descriptor)
        self.close()

    def close(self) -> None:
        """Let go of the file; the draft can be taken up again."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def digest(self, algorithm: Algorithm) -> Digest:
        """The digest of all bytes so far."""
        if algorithm is not self._algorithm:
            self._start(algorithm)
        if self._hashed < self.size:
            self._catch_up()
        return Digest(algorithm, self._hash.hexdigest())

    def _start(self, algorithm: Algorithm) -> None:
        self._algorithm = algorithm
        self._hash = algorithm.new()
        self._hashed = 0

    def _catch_up(self) -> None:
        with self.path.open("rb", buffering=0) as file:
            file.seek(self._hashed)
            while piece := file.read(_READ):
                self._hash.update(piece)
                self._hashed += len(piece)

    def _open(self) -> int:
        if self._file is None:
            if self.path.exists() and self.path.stat().st_nlink > 1:
                _part(self.path)
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            self._file = os.open(self.path, flags, 0o640)
        return self._file


class BlobStore:
    """The blobs and drafts under one folder."""

    def __init__(self, root: Path) -> None:
        self._blobs = root / "blobs"
        self._drafts = root / "uploads"
        self._drafts.mkdir(parents=True, exist_ok=True)
        for algorithm in Algorithm:
            _make_fan(self._blobs / algorithm.value)

    def path(self, digest: Digest) -> Path:
        """Where a blob is, if it is here."""
        return self._blobs / digest.algorithm.value / digest.hex[:2] / digest.hex

    def draft(self, name: str, algorithm: Algorithm = Algorithm.SHA256) -> Draft:
        """A new draft, or one that an earlier process began."""
        return Draft(self._drafts / name, algorithm)

    def drafts(self) -> Iterator[tuple[str, float]]:
        """The names of all drafts with bytes, and when each was last written to (epoch seconds)."""
        for entry in os.scandir(self._drafts):
            yield entry.name, entry.stat().st_mtime

    def discard(self, name: str) -> None:
        """Remove a draft, if it is there."""
        (self._drafts / name).unlink(missing_ok=True)

    def keep(self, draft: Draft, digest: Digest) -> None:
        """Make a draft a blob, durably; raises `WrongDigest`. The draft is discarded by who has
        written the blob down.
        """
        seen = draft.digest(digest.algorithm)
        if seen != digest:
            raise WrongDigest(digest, seen)
        draft.sync()
        final = self.path(digest)
        # Beside the drafts, in a name of its own: a link does not replace what is there, a rename does.
        shared = draft.path.with_name(f"{draft.path.name}.{_SHARED}")
        shared.unlink(missing_ok=True)
        shared.hardlink_to(draft.path)
        shared.rename(final)
        shared.unlink(missing_ok=True)  # rename(2) leaves both when they are one file already
        _sync_folder(final.parent)

    def remove(self, digest: Digest) -> None:
        """Remove a blob, if it is here."""
        self.path(digest).unlink(missing_ok=True)

    def folders(self) -> Iterator[Path]:
        """The folders that blobs are in, for `named_in`."""
        for algorithm in Algorithm:
            yield from sorted((self._blobs / algorithm.value).iterdir())


def named_in(folder: Path) -> tuple[Digest, ...]:
    """The blobs whose files are in one of the folders of a store."""
    return tuple(Digest(Algorithm(folder.parent.name), name) for name in os.listdir(folder))  # noqa: PTH208  # names are all that is needed


def _make_fan(folder: Path) -> None:
    """Make the 256 folders beforehand, so that no arriving blob has to sync a new one."""
    if (folder / f"{_FAN - 1:02x}").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(_FAN):
        (folder / f"{number:02x}").mkdir(exist_ok=True)
    _sync_folder(folder)
    _sync_folder(folder.parent)


def _write_all(descriptor: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(descriptor, view) :]


def _part(path: Path) -> None:
    """Give a draft a file of its own: it shares one with a blob, which must not change."""
    beside = path.with_name(f"{path.name}.{_SHARED}")
    shutil.copyfile(path, beside)
    beside.rename(path)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
