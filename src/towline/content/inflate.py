"""Unpacking a stream of compressed pieces, in pieces of bounded size.

What the stream is, is read from its first bytes as containerd does: media types are often wrong.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable, Iterator
from typing import IO, cast

import zstandard

from towline.content.buffers import PIECE, Buffers, Piece
from towline.content.igzip import BadGzip, member
from towline.content.tar_field import BadTar

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_MAX_ZSTD_WINDOW = 128 * 1024 * 1024  # what `zstd --long=27` needs, and what its own decoder allows


def unpacked(
    pieces: Iterable[Piece], buffers: Buffers | None = None, begin: int = 0
) -> Iterator[Piece]:
    """The tar in a layer; raises `BadTar` when it cannot be unpacked.

    The pieces lie in `buffers`, and may be given back to them. The first one is so many bytes shorter
    than the others: what is written from there on in a file is then written in whole pieces.
    """
    source, out = _Source(pieces), _Out(buffers or Buffers(), begin)
    head = source.peek(len(_ZSTD))
    if head.startswith(_GZIP):
        yield from _gunzip(source, out)
    elif head.startswith(_ZSTD):
        yield from _unzstd(source, out)
    else:
        yield from map(bytes, source)


class _Out:
    """The piece that is being made."""

    def __init__(self, buffers: Buffers, begin: int) -> None:
        self._buffers = buffers
        self.renew(begin)

    def piece(self) -> memoryview:
        """What there is of it."""
        return memoryview(self.buffer)[self._begin : self.end]

    def renew(self, begin: int = 0) -> None:
        """Begin another one."""
        self.buffer, self._begin, self.end = self._buffers.take(), begin, begin


def _gunzip(source: _Source, out: _Out) -> Iterator[memoryview]:
    """All members of a gzip stream, one after the other (pigz and estargz write several)."""
    stream = _Gzip()
    for piece in source:
        stream.feed(piece)
        while count := stream.fill(out.buffer, out.end):
            out.end += count
            if out.end == PIECE:
                yield out.piece()
                out.renew()
    if last := out.piece():
        yield last
    stream.finish()


class _Gzip:
    """Members of gzip, one behind the other."""

    def __init__(self) -> None:
        self._member = member()
        self._fresh = True
        self._headless = False

    def feed(self, piece: Piece) -> None:
        """Take in the next bytes."""
        self._headless = self._fresh and piece[:2] != _GZIP
        self._fresh = False
        self._member.feed(piece)

    def fill(self, buffer: bytearray, begin: int) -> int:
        """Unpack into a buffer; 0 when there is nothing left to unpack."""
        while True:
            try:
                count = self._member.fill(buffer, begin)
            except BadGzip as error:
                text = "gzip: invalid header" if self._headless else "flate: corrupt input"
                raise BadTar(text) from error
            if count or not self._member.ended:
                return count
            rest, self._member, self._fresh = self._member.rest(), member(), True
            if not rest:
                return 0
            self.feed(rest)

    def finish(self) -> None:
        """There are no more bytes; raises `BadTar` when there should be."""
        if not self._fresh:
            raise BadTar("unexpected EOF")


def _unzstd(source: _Source, out: _Out) -> Iterator[memoryview]:
    engine = zstandard.ZstdDecompressor(max_window_size=_MAX_ZSTD_WINDOW)
    try:
        with engine.stream_reader(cast("IO[bytes]", source), read_across_frames=True) as reader:
            while count := reader.readinto(memoryview(out.buffer)[out.end :]):
                out.end += count
                yield out.piece()
                out.renew()
    except zstandard.ZstdError as error:
        raise BadTar(f"zstd: {error}") from error


class _Source(io.RawIOBase):
    """Pieces as a file: something can be looked at before it is taken."""

    def __init__(self, pieces: Iterable[Piece]) -> None:
        self._pieces = iter(pieces)
        self._held: Piece = b""

    def peek(self, count: int) -> bytes:
        """The first bytes; fewer only at the end."""
        while len(self._held) < count:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._held = bytes(self._held) + bytes(piece)
        return bytes(self._held[:count])

    def __iter__(self) -> Iterator[Piece]:  # type: ignore[override]  # pieces, not lines
        held, self._held = self._held, b""
        return itertools.chain([held] if held else [], self._pieces)

    def read(self, size: int = -1) -> bytes:
        """Some bytes, as many as are at hand."""
        if not self._held:
            self._held = next(self._pieces, b"")
        cut = len(self._held) if size < 0 else size
        taken, self._held = self._held[:cut], self._held[cut:]
        return bytes(taken)
