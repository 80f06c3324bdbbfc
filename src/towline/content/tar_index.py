"""Where the files of a tar stream are, found while the stream passes.

The stream is written to disk as it is; only headers are looked at. Understood are ustar, GNU and
pax headers as Go's `archive/tar` reads them, without sparse files. (`tarfile` reads the data too
and was 3 times slower; `libarchive-c` wants a system library and gives no offsets.)
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

BLOCK = 512
MAX_EXTENSION = 1024 * 1024  # Go's maxSpecialFileSize: what a long name or pax header may take
MAX_MEMBERS = 4_000_000  # each costs about 400 bytes of memory
_HEADER = struct.Struct("100s8s8s8s12s12s8sc100s6s2s32s32s8s8s155s12x")
_SPARSE = "archive/tar: sparse files are not supported"
_BAD_HEADER = "archive/tar: invalid tar header"


class BadTar(Exception):
    """A stream that cannot or must not be unpacked; the text says why."""


class Kind(Enum):
    """What a member of a tar is, by its type flag."""

    FILE = b"0"
    HARD_LINK = b"1"
    SYMLINK = b"2"
    CHARACTER_DEVICE = b"3"
    BLOCK_DEVICE = b"4"
    DIRECTORY = b"5"
    FIFO = b"6"


_KINDS = {kind.value: kind for kind in Kind} | {b"\0": Kind.FILE, b"7": Kind.FILE}
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


@dataclass(slots=True)
class _Extended:
    """What extension headers said of the next member."""

    pax: dict[bytes, bytes] = field(default_factory=dict)
    path: bytes | None = None
    link: bytes | None = None


class TarIndex:
    """Feeds on a tar stream in pieces of any size; `members` is what it found so far."""

    def __init__(self) -> None:
        self.members = list[Member]()
        self._position = 0
        self._next = 0
        self._held = b""
        self._global = dict[bytes, bytes]()
        self._extended = _Extended()
        self._ended = False

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
        block = bytes(piece[at : at + BLOCK])
        if _number(fields[6]) != sum(block) - sum(fields[6]) + 8 * 0x20:
            raise BadTar(_BAD_HEADER)
        size = _number(fields[4])
        if size < 0:
            raise BadTar(_BAD_HEADER)
        flag: bytes = fields[7]
        if flag in _EXTENSIONS:
            return self._extension(flag, size, piece, at)
        self._member(fields, flag, size)
        return True

    def _extension(
        self, flag: bytes, size: int, piece: bytes | bytearray | memoryview, at: int
    ) -> bool:
        if size > MAX_EXTENSION:
            raise BadTar("archive/tar: header field too long")
        end = self._next + BLOCK + _padded(size)
        if end > self._position:
            return False
        content = bytes(piece[at + BLOCK : at + BLOCK + size])
        if flag == b"x":
            self._extended.pax = _pax(content)
        elif flag == b"g":
            self._global |= _pax(content)
        elif flag == b"L":
            self._extended.path = content.rstrip(b"\0")
        else:
            self._extended.link = content.rstrip(b"\0")
        self._next = end
        return True

    def _member(self, fields: tuple[bytes, ...], flag: bytes, size: int) -> None:
        extended, self._extended = self._extended, _Extended()
        pax = {**self._global, **extended.pax}
        kind = _KINDS.get(flag)
        if flag == b"S" or any(key.startswith(b"GNU.sparse.") for key in pax):
            raise BadTar(_SPARSE)
        size = _decimal(pax.get(b"size"), size)
        path = pax.get(b"path") or extended.path or _path(fields)
        if kind is Kind.FILE and path.endswith(b"/"):
            kind = Kind.DIRECTORY
        data = size if kind in {Kind.FILE, None} else 0
        if kind is not None:
            if len(self.members) >= MAX_MEMBERS:
                raise BadTar(f"more than {MAX_MEMBERS} files in one layer")
            self.members.append(
                Member(
                    path,
                    kind,
                    _number(fields[1]) & 0o7777,
                    _decimal(pax.get(b"uid"), _number(fields[2])),
                    _decimal(pax.get(b"gid"), _number(fields[3])),
                    data,
                    _time(pax.get(b"mtime"), _number(fields[5])),
                    pax.get(b"linkpath") or extended.link or fields[8].partition(b"\0")[0],
                    _device(kind, fields),
                    self._next + BLOCK,
                    _xattrs(pax) if pax else None,
                )
            )
        self._next += BLOCK + _padded(data)


def _padded(size: int) -> int:
    return (size + BLOCK - 1) & ~(BLOCK - 1)


def _number(text: bytes) -> int:
    """Octal, or base 256 as GNU writes what octal cannot."""
    if text[0] & 0x80:
        value = int.from_bytes(text, "big", signed=text[0] == 0xFF)
        return value if text[0] == 0xFF else value & ((1 << (8 * len(text) - 1)) - 1)
    digits = text.partition(b"\0")[0].strip()
    try:
        return int(digits, 8) if digits else 0
    except ValueError as error:
        raise BadTar(_BAD_HEADER) from error


def _decimal(text: bytes | None, otherwise: int) -> int:
    if text is None:
        return otherwise
    if not text.isdigit():
        raise BadTar(_BAD_HEADER)
    return int(text)


def _time(text: bytes | None, otherwise: int) -> int:
    """Nanoseconds since the epoch; pax writes decimal fractions of any length."""
    if not text:
        return otherwise * 1_000_000_000
    whole, _, fraction = text.partition(b".")
    try:
        nanoseconds = int(fraction[:9].ljust(9, b"0") or b"0")
        return int(whole or b"0") * 1_000_000_000 + (-1 if whole[:1] == b"-" else 1) * nanoseconds
    except ValueError as error:
        raise BadTar(_BAD_HEADER) from error


def _path(fields: tuple[bytes, ...]) -> bytes:
    name = fields[0].partition(b"\0")[0]
    prefix = fields[15].partition(b"\0")[0] if fields[9] == b"ustar\0" else b""
    return prefix + b"/" + name if prefix else name


def _device(kind: Kind, fields: tuple[bytes, ...]) -> int:
    if kind not in {Kind.CHARACTER_DEVICE, Kind.BLOCK_DEVICE}:
        return 0
    major, minor = _number(fields[13]), _number(fields[14])
    return (minor & 0xFF) | (major << 8) | ((minor & ~0xFF) << 12)  # Linux' new_encode_dev


def _xattrs(pax: dict[bytes, bytes]) -> dict[bytes, bytes] | None:
    prefix = b"SCHILY.xattr."
    found = {key[len(prefix) :]: value for key, value in pax.items() if key.startswith(prefix)}
    return found or None


def _pax(content: bytes) -> dict[bytes, bytes]:
    """Records of `length key=value\\n`, the length counting itself."""
    found, position = dict[bytes, bytes](), 0
    while position < len(content):
        space = content.find(b" ", position, position + 20)
        digits = content[position:space]
        if space < 0 or not digits.isdigit():
            raise BadTar(_BAD_HEADER)
        end = position + int(digits)
        key, equals, value = content[space + 1 : end - 1].partition(b"=")
        if end > len(content) or end <= space or not equals or content[end - 1 : end] != b"\n":
            raise BadTar(_BAD_HEADER)
        found[key] = value
        position = end
    return found
