"""Unpacking a stream of compressed pieces, in pieces of bounded size.

What the stream is, is read from its first bytes as containerd does: media types are often wrong.
The pieces that come out lie in a few buffers that go round, so that no memory is asked for, and given
back, for each of them.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable, Iterator
from typing import IO, cast

import zstandard

from towline.content.ahead import IN_USE
from towline.content.igzip import BadGzip, member
from towline.content.tar_field import BadTar

PIECE = 256 * 1024  # what is written is cheapest in pieces of such a size, and stays near the core
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_MAX_ZSTD_WINDOW = 128 * 1024 * 1024  # what `zstd --long=27` needs, and what its own decoder allows

Piece = bytes | bytearray | memoryview


def unpacked(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """The tar in a layer; raises `BadTar` when it cannot be unpacked.

    A piece stays as it is until `IN_USE` others have been asked for.
    """
    source = _Source(pieces)
    head = source.peek(len(_ZSTD))
    if head.startswith(_GZIP):
        yield from _gunzip(source)
    elif head.startswith(_ZSTD):
        yield from _unzstd(source)
    else:
        yield from map(bytes, source)


def _ring() -> Iterator[bytearray]:
    return itertools.cycle([bytearray(PIECE) for _ in range(IN_USE)])


def _gunzip(source: _Source) -> Iterator[memoryview]:
    """All members of a gzip stream, one after the other (pigz and estargz write several)."""
    ring, stream = _ring(), _Gzip()
    buffer, have = next(ring), 0
    for piece in source:
        stream.feed(piece)
        while count := stream.fill(buffer, have):
            have += count
            if have == PIECE:
                yield memoryview(buffer)
                buffer, have = next(ring), 0
    if have:
        yield memoryview(buffer)[:have]
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


def _unzstd(source: _Source) -> Iterator[memoryview]:
    engine, ring = zstandard.ZstdDecompressor(max_window_size=_MAX_ZSTD_WINDOW), _ring()
    try:
        with engine.stream_reader(cast("IO[bytes]", source), read_across_frames=True) as reader:
            while count := reader.readinto(buffer := next(ring)):
                yield memoryview(buffer)[:count]
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
