"""Whether the bytes of a layer can be unpacked, as far as they are there."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zlib
from dataclasses import dataclass

import zstandard

from towline.diagnosis.observation import LayerProblem
from towline.oci.digest import Digest
from towline.oci.media_type import Compression, layer_compression

MAX_UNPACKED = 16 * 1024 * 1024  # a small layer may unpack to a bomb; nobody looks further
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_TAR_MAGIC = 257


def packing(content: bytes) -> str:
    """How bytes are packed, by how they begin."""
    if not content:
        return ""
    if content.startswith(_GZIP):
        return "gzip"
    if content.startswith(_ZSTD):
        return "zstd"
    return "tar" if _is_tar_head(content) else "other"


def _is_tar_head(content: bytes) -> bool:
    ustar = content[_TAR_MAGIC : _TAR_MAGIC + 5] == b"ustar"
    return ustar or (len(content) >= 1024 and not any(content[:1024]))


def judge(
    content: bytes, media_type: str, diff_id: Digest | None, *, whole: bool
) -> LayerProblem | None:
    """What is wrong with a layer's content, of which perhaps only the beginning is here."""
    compression = layer_compression(media_type)
    if compression is None or not content:
        return None
    unpacked = _unpack(content, _real(compression, content), whole=whole)
    if unpacked is None:
        return LayerProblem.BAD_COMPRESSION
    if unpacked.cut:
        bad = bool(unpacked.content) and not _is_tar_head(unpacked.content)
        return LayerProblem.BAD_TAR if bad and len(unpacked.content) >= tarfile.BLOCKSIZE else None
    if not _is_tar(unpacked.content):
        return LayerProblem.BAD_TAR
    hashed = hashlib.sha256(unpacked.content).hexdigest()
    other = diff_id is not None and diff_id.algorithm.value == "sha256" and diff_id.hex != hashed
    return LayerProblem.OTHER_DIFF_ID if other else None


def _real(stated: Compression, content: bytes) -> Compression:
    """containerd goes by the first bytes, not by the media type."""
    found = packing(content)
    return Compression(found) if found in {"gzip", "zstd"} else _plain_if_tar(stated, found)


def _plain_if_tar(stated: Compression, found: str) -> Compression:
    return Compression.NONE if found == "tar" else stated


@dataclass(frozen=True, slots=True)
class _Unpacked:
    content: bytes
    cut: bool
    """There is more of it than is here."""


def _unpack(content: bytes, compression: Compression, *, whole: bool) -> _Unpacked | None:
    try:
        if compression is Compression.GZIP:
            return _gunzip(content, whole=whole)
        if compression is Compression.ZSTD:
            stream = zstandard.ZstdDecompressor().stream_reader(content, read_across_frames=True)
            unpacked = stream.read(MAX_UNPACKED)
            return _Unpacked(unpacked, not whole or len(unpacked) == MAX_UNPACKED)
    except (zlib.error, zstandard.ZstdError):
        return None
    return _Unpacked(content, not whole)


def _gunzip(content: bytes, *, whole: bool) -> _Unpacked | None:
    """All members of a gzip file; None when it ends in the middle of one."""
    unpacked = bytearray()
    while content:
        member = zlib.decompressobj(16 + zlib.MAX_WBITS)
        unpacked += member.decompress(content, MAX_UNPACKED - len(unpacked) + 1)
        if len(unpacked) > MAX_UNPACKED:
            return _Unpacked(bytes(unpacked), cut=True)
        if not member.eof:
            return None if whole else _Unpacked(bytes(unpacked), cut=True)
        content = member.unused_data.lstrip(b"\0")
    return _Unpacked(bytes(unpacked), not whole)


def _is_tar(content: bytes) -> bool:
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            for _ in archive:
                pass
    except (tarfile.TarError, ValueError, EOFError):
        return False
    return True
