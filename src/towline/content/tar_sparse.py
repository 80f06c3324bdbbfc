"""Where the holes of sparse files are: GNU's old format, and its pax formats 0.0, 0.1 and 1.0.

A sparse member stores only some extents of its file, one after the other; a map says where they
belong. The map is in the header and blocks behind it (old), in the pax header (0.x), or in front of
the data (1.0). See "Storing Sparse Files" in GNU tar's manual.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from towline.content.tar_field import SPARSE_MAP, BadTar, decimal, number

BLOCK = 512
MAX_MAP = 1024 * 1024  # Go's maxSpecialFileSize
_OLD_FLAG = b"S"
_BAD_MAP = "archive/tar: invalid sparse map"


class Extent(NamedTuple):
    """A part of a file that is stored."""

    begin: int
    size: int
    offset: int
    """Where it stands in the stream."""


class SparseMap(NamedTuple):
    """What a map says."""

    size: int
    """Of the file, with its holes."""
    parts: Sequence[tuple[int, int]]
    """Where each stored extent begins in the file, and how long it is."""
    length: int
    """How many bytes of the stream the map itself takes, behind the header."""

    def extents(self, offset: int, stored: int) -> tuple[Extent, ...]:
        """The extents, whose `stored` bytes begin at this offset; raises `BadTar`."""
        if any(begin < 0 or size < 0 for begin, size in self.parts):
            raise BadTar(_BAD_MAP)
        ends = [(begin, begin + size) for begin, size in self.parts]
        overlap = any(end > begin for (_, end), (begin, _) in pairwise(ends))
        if overlap or (ends and ends[-1][1] > self.size) or self.size >= 1 << 63:
            raise BadTar(_BAD_MAP)
        if sum(size for _, size in self.parts) != stored:
            raise BadTar("archive/tar: sparse file references non-existent data")
        found = list[Extent]()
        for begin, size in self.parts:
            if size:
                found.append(Extent(begin, size, offset))
            offset += size
        return tuple(found)


def is_sparse(flag: bytes, pax: dict[bytes, bytes]) -> bool:
    """Whether a member has a map."""
    if flag == _OLD_FLAG:
        return True
    return bool(pax) and any(key.startswith(b"GNU.sparse.") for key in pax)


def stored_beside(flag: bytes) -> bool:
    """Whether the size in the header leaves out the map."""
    return flag == _OLD_FLAG


def read_map(flag: bytes, pax: dict[bytes, bytes], seen: memoryview) -> SparseMap | None:
    """The map of a sparse member; `seen` begins at its header.

    None when the map has not come whole yet. Raises `BadTar`.
    """
    if flag == _OLD_FLAG:
        return _old(seen)
    version = (pax.get(b"GNU.sparse.major"), pax.get(b"GNU.sparse.minor"))
    size = decimal(pax.get(b"GNU.sparse.realsize", pax.get(b"GNU.sparse.size")), -1)
    if size < 0:
        raise BadTar(_BAD_MAP)
    if version == (b"1", b"0"):
        return _before_data(size, seen[BLOCK:])
    if SPARSE_MAP not in pax:
        raise BadTar("archive/tar: unknown sparse format")
    text = pax[SPARSE_MAP]
    numbers = [decimal(each, 0) for each in text.split(b",")] if text else []
    return SparseMap(size, _pairs(numbers), 0)


def _old(seen: memoryview) -> SparseMap | None:
    """Four extents in the header, then blocks of twenty-one, each saying if another follows."""
    header = bytes(seen[:BLOCK])
    numbers, more, length = _slots(header[386:482]), header[482], 0
    while more:
        if length >= MAX_MAP:
            raise BadTar(_BAD_MAP)
        block = bytes(seen[BLOCK + length : 2 * BLOCK + length])
        if len(block) < BLOCK:
            return None
        numbers += _slots(block[:504])
        more, length = block[504], length + BLOCK
    return SparseMap(number(header[483:495]), _pairs(numbers), length)


def _slots(text: bytes) -> list[int]:
    """Pairs of twelve bytes each, up to the first that is empty."""
    numbers = list[int]()
    for at in range(0, len(text), 24):
        if not text[at + 12]:
            break
        numbers += [number(text[at : at + 12]), number(text[at + 12 : at + 24])]
    return numbers


def _before_data(size: int, seen: memoryview) -> SparseMap | None:
    """Lines of decimal numbers, the first saying how many pairs follow; padded to a block."""
    lines = bytes(seen[:MAX_MAP]).split(b"\n")
    complete = len(lines) - 1
    count = decimal(lines[0], 0) if complete else 0
    if not complete or complete < 1 + 2 * count:
        if len(seen) >= MAX_MAP:
            raise BadTar(_BAD_MAP)
        return None
    wanted = lines[: 1 + 2 * count]
    length = sum(len(line) + 1 for line in wanted)
    padded = (length + BLOCK - 1) & ~(BLOCK - 1)
    return SparseMap(size, _pairs([decimal(line, 0) for line in wanted[1:]]), padded)


def _pairs(numbers: list[int]) -> list[tuple[int, int]]:
    if len(numbers) % 2:
        raise BadTar(_BAD_MAP)
    return list(zip(numbers[::2], numbers[1::2], strict=True))
