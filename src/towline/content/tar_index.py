"""Where the files of a tar stream are, found while the stream passes.

The stream is written to disk as it is; only headers are looked at. Understood are ustar, GNU and
pax headers as Go's `archive/tar` reads them. (`tarfile` reads the data too and was 3 times slower;
`libarchive-c` wants a system library and gives no offsets.)
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from towline.content.tar_field import (
    BadTar,
    byte_sum,
    decimal,
    device_number,
    nanoseconds,
    number,
    owner,
    pax_records,
)
from towline.content.tar_sparse import Extent, SparseMap, is_sparse, read_map, stored_beside

BLOCK = 512
MAX_EXTENSION = 1024 * 1024  # Go's maxSpecialFileSize: what a long name or pax header may take
MAX_MEMBERS = 1_000_000  # see docs/limits.md for what that costs in memory
MAX_WORDS = 256 * 1024 * 1024  # of names, links, attributes and maps of holes, together
ENTRY = 100  # what counts for each attribute and each part of a map, beside its own bytes
_HEADER = struct.Struct("100s8s8s8s12s12s8sc100s6s2s32s32s8s8s155s12x")


class Kind(Enum):
    """What a member of a tar is, by its type flag."""

    FILE = b"0"
    HARD_LINK = b"1"
    SYMLINK = b"2"
    CHARACTER_DEVICE = b"3"
    BLOCK_DEVICE = b"4"
    DIRECTORY = b"5"
    FIFO = b"6"


_KINDS = {kind.value: kind for kind in Kind} | dict.fromkeys((b"\x00", b"7", b"S"), Kind.FILE)
_XATTR = b"SCHILY.xattr."
_LASTING = frozenset({b"path", b"linkpath", b"size", b"uid", b"gid", b"mtime"})
_EXTENSIONS = frozenset({b"x", b"g", b"L", b"K"})


class Member(NamedTuple):
    """One entry of a tar. Names are as they stand there: nobody has judged them yet."""

    path: bytes
    kind: Kind
    mode: int
    uid: int
    gid: int
    size: int
    mtime_ns: int
    link: bytes
    device: int
    offset: int
    """Where its data begins in the stream."""
    xattrs: dict[bytes, bytes] | None
    extents: tuple[Extent, ...] | None = None
    """What of a sparse file is stored, and where."""


@dataclass(slots=True)
class _Extended:
    """What extension headers said of the next member."""

    pax: dict[bytes, bytes] = field(default_factory=dict)
    path: bytes | None = None
    link: bytes | None = None


_PLAIN = _Extended()  # never changed


class TarIndex:
    """Feeds on a tar stream in pieces of any size; `members` is what it found so far."""

    def __init__(self) -> None:
        self.members = list[Member]()
        self._position = 0
        self._next = 0
        self._held = b""
        self._global = dict[bytes, bytes]()
        self._extended = _PLAIN
        self._ended = False
        self._words = 0
        self._taken = 0

    def feed(self, piece: bytes | bytearray | memoryview) -> None:
        """Take in the next bytes of the stream; raises `BadTar`."""
        begin, self._position = self._position, self._position + len(piece)
        if self._ended or self._next + BLOCK > self._position:
            if not self._ended and self._next < self._position:
                self._hold(piece, begin)
            return
        if self._held:
            begin -= len(self._held)
            piece, self._held = self._held + bytes(piece), b""
        while self._next + BLOCK <= self._position and self._header(piece, self._next - begin):
            pass
        self._held = bytes(piece[self._next - begin :])

    def taken(self) -> list[Member]:
        """What was found since it was asked for the last time; it is not among `members` any more."""
        taken, self.members = self.members, []
        self._taken += len(taken)
        return taken

    def finish(self) -> None:
        """The stream has ended; raises `BadTar` when it should not have."""
        if not self._ended and (self._held or self._next > self._position):
            raise BadTar("unexpected EOF")

    def _hold(self, piece: bytes | bytearray | memoryview, begin: int) -> None:
        self._held += bytes(piece[max(0, self._next - begin) :] if not self._held else piece)

    def _header(self, piece: bytes | bytearray | memoryview, at: int) -> bool:
        """Read one header; False at the end, and when its extension is not here yet."""
        fields = _HEADER.unpack_from(piece, at)
        if not fields[0][0] and not fields[6].strip(b"\0"):
            self._ended = True
            return False
        seen = byte_sum(piece[at : at + BLOCK]) - sum(fields[6]) + 8 * 0x20
        if number(fields[6]) != seen:
            raise BadTar.header()
        size = number(fields[4])
        if size < 0:
            raise BadTar.header()
        flag: bytes = fields[7]
        if flag in _EXTENSIONS:
            return self._extension(flag, size, piece, at)
        pax = {**self._global, **self._extended.pax} if self._global else self._extended.pax
        size = decimal(pax.get(b"size"), size) if pax else size
        if is_sparse(flag, pax):
            holes = read_map(flag, pax, memoryview(piece)[at:])
            if holes is None:
                return False
            self._sparse(fields, pax, size, holes)
        else:
            self._plain(fields, pax, size)
        self._extended = _PLAIN
        return True

    def _plain(self, fields: tuple[bytes, ...], pax: dict[bytes, bytes], size: int) -> None:
        path = pax.get(b"path") or self._extended.path or _path(fields)
        kind = _kind(fields, path)
        stored = size if kind is Kind.FILE or kind is None else 0
        if kind is not None:
            self._add(self._described(fields, pax, (path, kind, stored)))
        self._next += BLOCK + _padded(stored)

    def _sparse(
        self, fields: tuple[bytes, ...], pax: dict[bytes, bytes], size: int, holes: SparseMap
    ) -> None:
        if _KINDS.get(fields[7]) is not Kind.FILE:
            raise BadTar.header()
        path = pax.get(b"path") or self._extended.path or _path(fields)
        path = pax.get(b"GNU.sparse.name") or path
        begin, stored = self._next + BLOCK + holes.length, size
        if not stored_beside(fields[7]):
            stored -= holes.length
        member = self._described(fields, pax, (path, Kind.FILE, holes.size))
        extents = holes.extents(begin, stored)
        self._add(member._replace(offset=begin, extents=extents))
        self._next = begin + _padded(stored)

    def _described(
        self, fields: tuple[bytes, ...], pax: dict[bytes, bytes], what: tuple[bytes, Kind, int]
    ) -> Member:
        path, kind, size = what
        uid, gid, mtime, link = number(fields[2]), number(fields[3]), None, self._extended.link
        if pax:
            uid, gid = decimal(pax.get(b"uid"), uid), decimal(pax.get(b"gid"), gid)
            mtime, link = pax.get(b"mtime"), pax.get(b"linkpath") or link
        return Member(
            path,
            kind,
            number(fields[1]) & 0o7777,
            owner(uid),
            owner(gid),
            size,
            nanoseconds(mtime, number(fields[5])),
            link or fields[8].partition(b"\0")[0],
            _device(kind, fields),
            self._next + BLOCK,
            _xattrs(pax) if pax else None,
        )

    def _add(self, member: Member) -> None:
        if self._taken + len(self.members) >= MAX_MEMBERS:
            raise BadTar(f"more than {MAX_MEMBERS} files in one layer")
        self._words += len(member.path) + len(member.link)
        if member.xattrs or member.extents:
            self._words += sum(len(k) + len(v) for k, v in (member.xattrs or {}).items())
            self._words += ENTRY * (len(member.xattrs or ()) + len(member.extents or ()))
        if self._words > MAX_WORDS:
            raise BadTar(f"names and attributes take more than {MAX_WORDS} bytes in one layer")
        self.members.append(member)

    def _extension(
        self, flag: bytes, size: int, piece: bytes | bytearray | memoryview, at: int
    ) -> bool:
        if size > MAX_EXTENSION:
            raise BadTar("archive/tar: header field too long")
        end = self._next + BLOCK + _padded(size)
        if end > self._position:
            return False
        content = bytes(piece[at + BLOCK : at + BLOCK + size])
        if self._extended is _PLAIN:
            self._extended = _Extended()
        if flag == b"x":
            self._extended.pax = pax_records(content)
        elif flag == b"g":
            self._global |= _lasting(pax_records(content))
            if sum(len(key) + len(value) for key, value in self._global.items()) > MAX_EXTENSION:
                raise BadTar("archive/tar: header field too long")
        elif flag == b"L":
            self._extended.path = content.rstrip(b"\0")
        else:
            self._extended.link = content.rstrip(b"\0")
        self._next = end
        return True


def _padded(size: int) -> int:
    return (size + BLOCK - 1) & ~(BLOCK - 1)


def _kind(fields: tuple[bytes, ...], path: bytes) -> Kind | None:
    kind = _KINDS.get(fields[7])
    return Kind.DIRECTORY if kind is Kind.FILE and path.endswith(b"/") else kind


def _path(fields: tuple[bytes, ...]) -> bytes:
    name = fields[0].partition(b"\0")[0]
    prefix = fields[15].partition(b"\0")[0] if fields[9] == b"ustar\0" else b""
    return prefix + b"/" + name if prefix else name


def _device(kind: Kind, fields: tuple[bytes, ...]) -> int:
    if kind is not Kind.CHARACTER_DEVICE and kind is not Kind.BLOCK_DEVICE:
        return 0
    return device_number(number(fields[13]), number(fields[14]))


def _lasting(pax: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """What a header for all members may say; what nobody reads is not carried along."""
    return {key: value for key, value in pax.items() if key in _LASTING or key.startswith(_XATTR)}


def _xattrs(pax: dict[bytes, bytes]) -> dict[bytes, bytes] | None:
    cut = len(_XATTR)
    found = {key[cut:]: value for key, value in pax.items() if key.startswith(_XATTR)}
    return found or None
