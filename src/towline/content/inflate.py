"""Unpacking a stream of compressed pieces, in pieces of bounded size.

What the stream is, is read from its first bytes as containerd does: media types are often wrong.
`isal` inflates about twice as fast as zlib.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import IO, cast

import zstandard
from isal import isal_zlib

from towline.content.tar_field import BadTar

PIECE = 512 * 1024
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_MAX_ZSTD_WINDOW = 128 * 1024 * 1024  # what `zstd --long=27` needs, and what its own decoder allows
_GZIP_FORMAT = 16 + 15
_GzipError: type[Exception] = isal_zlib.error  # type: ignore[assignment]  # its stub declares an instance


def unpacked(pieces: Iterable[bytes | bytearray]) -> Iterator[bytes | bytearray]:
    """The tar in a layer; raises `BadTar` when it cannot be unpacked."""
    source = _Source(pieces)
    head = source.peek(len(_ZSTD))
    if head.startswith(_GZIP):
        yield from _gunzip(source)
    elif head.startswith(_ZSTD):
        yield from _unzstd(source)
    else:
        yield from source


def _gunzip(source: _Source) -> Iterator[bytes]:
    """All members of a gzip stream, one after the other (pigz and estargz write several)."""
    engine, fresh = isal_zlib.decompressobj(_GZIP_FORMAT), True
    for piece in source:
        data: bytes | bytearray = piece
        while data:
            try:
                out: bytes = engine.decompress(data, PIECE)
            except _GzipError as error:
                headless = fresh and data[:2] != _GZIP
                raise BadTar(
                    "gzip: invalid header" if headless else "flate: corrupt input"
                ) from error
            fresh = False
            if out:
                yield out
            data = engine.unconsumed_tail
            if engine.eof:
                data, engine, fresh = (
                    engine.unused_data,
                    isal_zlib.decompressobj(_GZIP_FORMAT),
                    True,
                )
    if not fresh:
        raise BadTar("unexpected EOF")


def _unzstd(source: _Source) -> Iterator[bytes]:
    engine = zstandard.ZstdDecompressor(max_window_size=_MAX_ZSTD_WINDOW)
    try:
        with engine.stream_reader(cast("IO[bytes]", source), read_across_frames=True) as reader:
            while out := reader.read(PIECE):
                yield out
    except zstandard.ZstdError as error:
        raise BadTar(f"zstd: {error}") from error


class _Source(io.RawIOBase):
    """Pieces as a file: something can be looked at before it is taken."""

    def __init__(self, pieces: Iterable[bytes | bytearray]) -> None:
        self._pieces = iter(pieces)
        self._held: bytes | bytearray = b""

    def peek(self, count: int) -> bytes:
        """The first bytes; fewer only at the end."""
        while len(self._held) < count:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._held = bytes(self._held) + bytes(piece)
        return bytes(self._held[:count])

    def __iter__(self) -> Iterator[bytes | bytearray]:  # type: ignore[override]  # pieces, not lines
        if self._held:
            held, self._held = self._held, b""
            yield held
        yield from self._pieces

    def read(self, size: int = -1) -> bytes:
        """Some bytes, as many as are at hand."""
        if not self._held:
            self._held = next(self._pieces, b"")
        cut = len(self._held) if size < 0 else size
        taken, self._held = self._held[:cut], self._held[cut:]
        return bytes(taken)
