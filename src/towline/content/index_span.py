"""One span of a layer: from the compressed bytes to its part of the tar, verified."""

from __future__ import annotations

import hashlib

import zstandard
from isal import isal_zlib

from towline.content.index_blob import MAX_WINDOW, LayerIndex
from towline.oci.media_type import Compression

_RAW = -15
_GZIP = 16 + 15
_TRAILER = 8  # a gzip member's checksum and size, behind its last block
_InflateError: type[Exception] = isal_zlib.error  # type: ignore[assignment]  # its stub declares an instance


class BadSpan(Exception):
    """What came is not the span that the index names."""


def unpack_span(
    index: LayerIndex, number: int, packed: bytes, window: bytes, before: bytes = b""
) -> bytes:
    """A span's bytes of the tar; `window` is its frame, empty when it has none. Where what lies
    `before` it in the tar is at hand, `MAX_WINDOW` of it or all, no frame is needed. Raises `BadSpan`
    unless they are exactly those that the index vouches for.
    """
    size = index.size(number)
    try:
        if index.compression is Compression.NONE:
            content = packed[:size]
        else:
            content = inflate_span(packed, before or _unpacked_window(window), size)
    except (_InflateError, zstandard.ZstdError) as error:
        raise BadSpan(f"span {number} of {index.diff_id} cannot be unpacked: {error}") from error
    if len(content) != size or hashlib.sha256(content).digest() != index.spans[number].sha256:
        raise BadSpan(f"span {number} of {index.diff_id} has other bytes than its digest")
    return content


def inflate_span(packed: bytes, window: bytes, size: int) -> bytes:
    """Inflate from the beginning of a block on, over the ends of gzip members, up to `size` bytes.

    Gives fewer when there are no more. Raises `isal_zlib.error` for what is no deflate stream.
    """
    engine = isal_zlib.decompressobj(_RAW, zdict=window) if window else _engine(_RAW)
    content, rest, trailer = bytearray(), packed, _TRAILER
    while len(content) < size and rest:
        content += engine.decompress(rest, size - len(content))
        if not engine.eof:
            break
        rest, trailer = engine.unused_data[trailer:], 0  # the gzip engine takes its own trailer
        engine = _engine(_GZIP)
    return bytes(content)


def _engine(kind: int) -> isal_zlib.Decompress:
    return isal_zlib.decompressobj(kind)


def _unpacked_window(frame: bytes) -> bytes:
    if not frame:
        return b""
    if not 0 < zstandard.frame_content_size(frame) <= MAX_WINDOW:
        raise zstandard.ZstdError("a window of the wrong size")
    return zstandard.ZstdDecompressor().decompress(frame)
