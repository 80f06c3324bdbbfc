"""The index of a layer: what must be known of it to use it before all of it is there.

A compressed layer cannot be entered in the middle. Its index names places where it can, about every
two megabytes: a *span* begins at a byte of the compressed layer and at a byte of the tar in it, and
has the digest of its part of the tar. With it come the EROFS metadata and superblock that belong
around the tar, so that the layer can be mounted while it has only holes.

An index is two blobs. The *head* is small and read as a whole, so its own digest vouches for it. The
*windows* are what deflate may refer back to at the beginning of a span, each a zstd frame, read by
range when its span is; a wrong one makes a wrong span, and the span's digest says so. The format is
described in `docs/lazy.md`.
"""

from __future__ import annotations

import bisect
from itertools import pairwise

import msgspec
import zstandard

from towline.content.erofs import SUPERBLOCK_OFFSET, TAR_OFFSET
from towline.oci.digest import Digest, InvalidDigest
from towline.oci.media_type import Compression

ARTIFACT_TYPE = "application/vnd.towline.layer-index.v1"
HEAD_TYPE = "application/vnd.towline.layer-index.head.v1"
WINDOWS_TYPE = "application/vnd.towline.layer-index.windows.v1"
LAYER_ANNOTATION = "dev.towline.layer"
"""Of a head or windows: the digest of the compressed layer that it is for."""

MAX_HEAD = 256 * 1024 * 1024  # bytes unpacked; 480 KB are usual for 23,000 files
MAX_SPAN = 64 * 1024 * 1024  # bytes of tar; 2 to 11 MB are usual
MAX_WINDOW = 32 * 1024  # as far as deflate looks back
_MAGIC = b"towline-index-1\n"
_SUPERBLOCK = 128
_HASH = 32
_LEVEL = 3


class BadIndex(Exception):
    """Bytes that are no index of a layer, or that contradict themselves."""


class Span(msgspec.Struct, frozen=True, array_like=True):
    """A part of a layer that can be unpacked without what comes before it."""

    begin: int
    """Its first byte in the tar."""
    packed: int
    """Its first byte in the compressed layer."""
    sha256: bytes
    """Of its bytes in the tar."""
    window: int = 0
    """Where its window begins in the blob of windows."""
    window_size: int = 0
    """The size of its window's frame; 0 when it needs none."""


class LayerIndex(msgspec.Struct, frozen=True):
    """What a head says."""

    diff_id: str
    compression: Compression
    packed_size: int
    tar_size: int
    metadata_offset: int
    """Where the metadata belong in the layer file; the tar is at `TAR_OFFSET`."""
    superblock: bytes
    metadata: bytes
    spans: tuple[Span, ...]

    def size(self, number: int) -> int:
        """How many bytes of the tar a span has."""
        return self._end(number) - self.spans[number].begin

    def packed_range(self, number: int) -> range:
        """Which bytes of the compressed layer a span is unpacked from."""
        after = number + 1
        end = self.spans[after].packed if after < len(self.spans) else self.packed_size
        return range(self.spans[number].packed, end)

    def covering(self, begin: int, end: int) -> range:
        """The spans that have the bytes of the tar from `begin` to before `end`."""
        begin, end = max(begin, 0), min(end, self.tar_size)
        if begin >= end:
            return range(0)
        first = bisect.bisect_right(self.spans, begin, key=_begin) - 1
        return range(first, bisect.bisect_left(self.spans, end, key=_begin))

    def _end(self, number: int) -> int:
        after = number + 1
        return self.spans[after].begin if after < len(self.spans) else self.tar_size


def encode_head(index: LayerIndex) -> bytes:
    """The head of an index, as a blob; raises `BadIndex` when no reader would take it."""
    content = msgspec.msgpack.encode(index)
    if len(content) > MAX_HEAD:
        raise BadIndex(f"the head of the index has {len(content)} bytes")
    return _MAGIC + zstandard.ZstdCompressor(_LEVEL).compress(content)


def decode_head(blob: bytes) -> LayerIndex:
    """Read a head; raises `BadIndex`."""
    if not blob.startswith(_MAGIC):
        raise BadIndex("not the head of a layer's index, or of a version that is not known")
    frame = blob[len(_MAGIC) :]
    try:
        if not 0 < zstandard.frame_content_size(frame) <= MAX_HEAD:
            raise BadIndex("the head of the index has no size, or too large a one")
        content = zstandard.ZstdDecompressor().decompress(frame)
        index = msgspec.msgpack.decode(content, type=LayerIndex)
        Digest.parse(index.diff_id)
    except (zstandard.ZstdError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadIndex(f"the head of the index cannot be read: {error}") from error
    except InvalidDigest as error:
        raise BadIndex(error.cause) from error
    _check(index)
    return index


def _check(index: LayerIndex) -> None:
    """Refuse what no layer can be like."""
    offset = index.metadata_offset
    end = max(TAR_OFFSET, SUPERBLOCK_OFFSET + _SUPERBLOCK) + index.tar_size
    if index.tar_size < 0 or offset < end or len(index.superblock) != _SUPERBLOCK:
        raise BadIndex("the index does not place its metadata behind the tar")
    if (index.tar_size > 0) != bool(index.spans) or (index.spans and index.spans[0].begin):
        raise BadIndex("the index does not begin where the tar does")
    ends = *index.spans, Span(index.tar_size, index.packed_size, b"")
    for span, after in pairwise(ends):
        grows = 0 < after.begin - span.begin <= MAX_SPAN
        packed = 0 <= span.packed < after.packed
        if not grows or not packed or len(span.sha256) != _HASH:
            raise BadIndex(f"the index has a span at {span.begin} that cannot be")
        if span.window < 0 or not 0 <= span.window_size <= 2 * MAX_WINDOW:
            raise BadIndex(f"the index has a window for {span.begin} that cannot be")


def _begin(span: Span) -> int:
    return span.begin
