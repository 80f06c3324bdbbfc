"""The file in which a layer lies: `[header][superblock][tar][EROFS metadata]`.

The header stands in the first 1024 bytes, which EROFS leaves to boot loaders. It says where the tar
ends and what the metadata hashes to, so that a file can be verified as a whole after a power cut.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from towline.content.erofs import (
    BLOCK_BITS,
    SUPERBLOCK_OFFSET,
    TAR_OFFSET,
    superblock,
    write_metadata,
)
from towline.content.tar_field import BadTar
from towline.content.tar_index import TarIndex
from towline.content.tree import Node, build_tree
from towline.oci.digest import Digest

_MAGIC = b"towline-layer-1\n"
_PIECE = 1024 * 1024


class DamagedLayer(Exception):
    """A file that is not the layer it should be."""


class _Header(msgspec.Struct, frozen=True):
    diff_id: str
    tar_size: int
    metadata_offset: int
    metadata_size: int
    metadata_sha256: str
    whole: bool = True  # files that were written before it was said are


def seal(fd: int, diff_id: Digest, tar_size: int, root: Node) -> None:
    """Write what surrounds a tar that already lies at `TAR_OFFSET`; raises `BadTar`."""
    offset = (TAR_OFFSET + tar_size + 4095) & ~4095
    metadata = write_metadata(root, offset >> BLOCK_BITS)
    block = superblock(metadata, offset >> BLOCK_BITS)
    write_around(
        fd, diff_id, tar_size, Surroundings(block, metadata.content, offset, metadata.whole)
    )


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What makes a tar a filesystem."""

    superblock: bytes
    metadata: bytes
    metadata_offset: int
    whole: bool


def write_around(fd: int, diff_id: Digest, tar_size: int, around: Surroundings) -> None:
    """Write what surrounds a tar, wherever its bytes come from. The header comes last: a file that
    has one has everything but perhaps its tar.
    """
    block, content, offset = around.superblock, around.metadata, around.metadata_offset
    digest = _sha256(block, content)
    header = _Header(str(diff_id), tar_size, offset, len(content), digest, around.whole)
    head = (_MAGIC + msgspec.json.encode(header)).ljust(SUPERBLOCK_OFFSET, b"\0")
    _write_all(fd, content, offset)
    _write_all(fd, head + block, 0)


def _sha256(block: bytes, metadata: bytes) -> str:
    """Without putting both together: metadata can have hundreds of megabytes."""
    digest = hashlib.sha256(block)
    digest.update(metadata)
    return digest.hexdigest()


def _write_all(fd: int, content: bytes, offset: int) -> None:
    view = memoryview(content)
    while view:
        written = os.pwrite(fd, view, offset)
        view, offset = view[written:], offset + written


@dataclass(frozen=True, slots=True)
class LayerFile:
    """A layer on disk, for those who read its tar rather than mount it."""

    path: Path
    diff_id: Digest
    tar_size: int
    metadata_offset: int
    metadata_size: int
    metadata_sha256: str
    whole: bool
    """Whether its metadata has all its files, so that it can be mounted."""

    @classmethod
    def open(cls, path: Path) -> LayerFile:
        """Read a layer file's header; raises `DamagedLayer`."""
        try:
            with path.open("rb") as file:
                head = file.read(SUPERBLOCK_OFFSET)
            if not head.startswith(_MAGIC):
                raise DamagedLayer(f"{path} is not a layer")
            text = head[len(_MAGIC) :].rstrip(b"\0")
            header = msgspec.json.decode(text, type=_Header)
            diff_id = Digest.parse(header.diff_id)
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            raise DamagedLayer(f"{path}: {error}") from error
        return cls(
            path,
            diff_id,
            header.tar_size,
            header.metadata_offset,
            header.metadata_size,
            header.metadata_sha256,
            header.whole,
        )

    def verify(self) -> None:
        """Hash everything again; raises `DamagedLayer`."""
        verifier = self.diff_id.verifier()
        with self.path.open("rb", buffering=0) as file:
            for piece in pieces(file.fileno(), TAR_OFFSET, self.tar_size):
                verifier.update(piece)
            metadata = hashlib.sha256(os.pread(file.fileno(), 128, SUPERBLOCK_OFFSET))
            for piece in pieces(file.fileno(), self.metadata_offset, self.metadata_size):
                metadata.update(piece)
        if not verifier.verified or metadata.hexdigest() != self.metadata_sha256:
            raise DamagedLayer(f"{self.path} does not hold {self.diff_id}")

    def is_as_sealed(self) -> bool:
        """Whether its metadata are those that `seal` would write around its tar.

        What came from elsewhere may show other files than the tar has, and no digest would tell.
        """
        try:
            metadata = write_metadata(self.tree(), self.metadata_offset >> BLOCK_BITS)
        except BadTar:
            return False
        block = superblock(metadata, self.metadata_offset >> BLOCK_BITS)
        digest = _sha256(block, metadata.content)
        return digest == self.metadata_sha256 and metadata.whole == self.whole

    def tree(self) -> Node:
        """The files in the layer, as its tar has them."""
        index = TarIndex()
        fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            for piece in pieces(fd, TAR_OFFSET, self.tar_size):
                index.feed(piece)
        finally:
            os.close(fd)
        return build_tree(index.members)


def pieces(fd: int, offset: int, size: int) -> Iterator[memoryview]:
    """The bytes of a part of a file, in one buffer that is used again and again."""
    buffer = memoryview(bytearray(min(size, _PIECE)))
    while size:
        count = os.preadv(fd, [buffer[:size]], offset)
        if count == 0:
            raise DamagedLayer("a layer file is shorter than it says")
        yield buffer[:count]
        offset, size = offset + count, size - count
