"""Makes the index of a layer, from the compressed layer alone.

The layer is read once: it is inflated from block to block, hashed as a whole and span by span, and
the files in it are found. Gzip and plain layers can be indexed; zstd cannot be entered in the middle
of a frame, and layers of it are mostly one frame.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import zstandard
from isal import isal_zlib

from towline.content.erofs import BLOCK_BITS, TAR_OFFSET, superblock, write_metadata
from towline.content.index_blob import MAX_SPAN, BadIndex, LayerIndex, Span
from towline.content.index_deflate import BlockReader, Boundary
from towline.content.index_span import inflate_span
from towline.content.tar_index import TarIndex
from towline.content.tree import build_tree
from towline.oci.media_type import Compression

STEP = 2 * 1024 * 1024
MAX_TAR = 64 * 1024**3  # bytes; larger layers are pulled in full
_READ = 256 * 1024
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_LEVEL = 3
_InflateError: type[Exception] = isal_zlib.error  # type: ignore[assignment]  # its stub declares an instance


def build_index(layer: Path, windows: BinaryIO, step: int = STEP) -> LayerIndex:
    """The index of a compressed layer, with spans of `step` bytes or more; the windows are written
    to a file, or whatever takes bytes. Raises `BadIndex` or `BadTar` when it can have none.
    """
    with layer.open("rb") as source:
        head = source.read(len(_ZSTD))
        if head == _ZSTD:
            raise BadIndex("a zstd layer cannot be entered in the middle")
        kind = Compression.GZIP if head.startswith(_GZIP) else Compression.NONE
        source.seek(0)
        build = _Build(source, windows, kind)
        for event in _inflated(source, step) if kind is Compression.GZIP else _plain(source, step):
            if isinstance(event, Boundary):
                build.begin(event)
            else:
                build.feed(event)
        return build.finish(os.fstat(source.fileno()).st_size)


class _Build:
    """One index on its way."""

    def __init__(self, source: BinaryIO, windows: BinaryIO, kind: Compression) -> None:
        self._source = source
        self._windows = windows
        self._kind = kind
        self._tar = hashlib.sha256()
        self._members = TarIndex()
        self._size = 0
        self._spans = list[Span]()
        self._open: Boundary | None = None
        self._part = hashlib.sha256()
        self._window_end = 0

    def feed(self, content: bytes) -> None:
        """The next bytes of the tar."""
        self._size += len(content)
        if self._size > MAX_TAR:
            raise BadIndex(f"the layer unpacks to more than {MAX_TAR} bytes")
        if self._open is None or self._size - self._open.unpacked > MAX_SPAN:
            raise BadIndex(f"the layer has no place to begin for {MAX_SPAN} bytes")
        self._tar.update(content)
        self._part.update(content)
        self._members.feed(content)

    def begin(self, boundary: Boundary) -> None:
        """A span ends and another begins here; one that would have no bytes is none."""
        if self._open is not None and self._size > self._open.unpacked:
            self._end(self._open, boundary.packed)
        self._open, self._part = boundary, hashlib.sha256()

    def finish(self, packed: int) -> LayerIndex:
        """The index of all that came."""
        if self._open is not None and self._size > self._open.unpacked:
            self._end(self._open, packed)
        self._members.finish()
        offset = (TAR_OFFSET + self._size + 4095) & ~4095
        metadata = write_metadata(build_tree(self._members.members), offset >> BLOCK_BITS)
        if not metadata.whole:
            raise BadIndex("the layer cannot be mounted whole: it has to be unpacked")
        return LayerIndex(
            f"sha256:{self._tar.hexdigest()}",
            self._kind,
            packed,
            self._size,
            offset,
            superblock(metadata, offset >> BLOCK_BITS),
            metadata.content,
            tuple(self._spans),
        )

    def _end(self, open_: Boundary, packed_end: int) -> None:
        digest, window = self._part.digest(), self._window_end
        frame = b""
        if open_.window and not self._works_alone(open_, packed_end, digest):
            frame = zstandard.ZstdCompressor(_LEVEL).compress(open_.window)
        self._windows.write(frame)
        self._window_end += len(frame)
        self._spans.append(Span(open_.unpacked, open_.packed, digest, window, len(frame)))

    def _works_alone(self, open_: Boundary, packed_end: int, digest: bytes) -> bool:
        """Whether a span never looks back; half of those do not that hold what was packed before."""
        fd, length = self._source.fileno(), packed_end - open_.packed
        try:
            packed = os.pread(fd, length, open_.packed)
            content = inflate_span(packed, b"", self._size - open_.unpacked)
        except _InflateError:
            return False
        return hashlib.sha256(content).digest() == digest


def _inflated(source: BinaryIO, step: int) -> Iterator[bytes | Boundary]:
    reader = BlockReader(step)
    try:
        while piece := source.read(_READ):
            yield from reader.feed(piece)
        reader.finish()
    finally:
        reader.close()


def _plain(source: BinaryIO, step: int) -> Iterator[bytes | Boundary]:
    position = 0
    while piece := source.read(step):
        yield Boundary(position, position, b"")
        position += len(piece)
        yield piece
