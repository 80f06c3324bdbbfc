"""What stands in the fields of tar headers: numbers, times, and the records of a pax header.

Everything here comes from anybody. A field that does not say what it should makes the layer
unusable; nothing is guessed. As Go's `archive/tar` reads them.
"""

from __future__ import annotations

import functools
import zlib

_BAD_HEADER = "archive/tar: invalid tar header"
_MAX_DIGITS = 20  # 2^64 has so many
_SECONDS = 1 << 62  # what the kernel's 64 bits hold, and no sum of ours leaves them
_SPARSE_PAIR = (b"GNU.sparse.offset", b"GNU.sparse.numbytes")
SPARSE_MAP = b"GNU.sparse.map"


class BadTar(Exception):
    """A stream that cannot or must not be unpacked; the text says why."""

    @classmethod
    def header(cls) -> BadTar:
        """A header that is none, in Go's words."""
        return cls(_BAD_HEADER)


@functools.lru_cache(4096)  # modes, owners and times come again and again
def number(text: bytes) -> int:
    """Octal, or base 256 as GNU writes what octal cannot."""
    if text[0] & 0x80:
        value = int.from_bytes(text, "big", signed=text[0] == 0xFF)
        return value if text[0] == 0xFF else value & ((1 << (8 * len(text) - 1)) - 1)
    digits = text.partition(b"\0")[0].strip()
    try:
        return int(digits, 8) if digits else 0
    except ValueError as error:
        raise BadTar.header() from error


def byte_sum(block: bytes | bytearray | memoryview) -> int:
    """All bytes of a header added. Half of one is less than what Adler-32 counts modulo, so that its
    lower half is the sum: ten times as fast as adding them.
    """
    half = len(block) // 2
    return (zlib.adler32(block[:half], 0) & 0xFFFF) + (zlib.adler32(block[half:], 0) & 0xFFFF)


def decimal(text: bytes | None, otherwise: int) -> int:
    """A number of a pax header; `otherwise` where there is none."""
    if text is None:
        return otherwise
    if not text.isdigit() or len(text) > _MAX_DIGITS:
        raise BadTar.header()
    return int(text)


def owner(value: int) -> int:
    """A user or group; one that the kernel would take for another is refused."""
    if not 0 <= value < 0xFFFFFFFF:  # the last one means "nobody in particular" to chown(2)
        raise BadTar.header()
    return value


def nanoseconds(text: bytes | None, otherwise: int) -> int:
    """Nanoseconds since the epoch; pax writes decimal fractions of any length."""
    if not text:
        if not -_SECONDS < otherwise < _SECONDS:
            raise BadTar.header()
        return otherwise * 1_000_000_000
    whole, _, fraction = text.partition(b".")
    digits = whole.removeprefix(b"-")
    if (digits + fraction).strip(b"0123456789") or len(digits) > _MAX_DIGITS:
        raise BadTar.header()
    seconds, part = int(digits or b"0"), int(fraction[:9].ljust(9, b"0"))
    if seconds >= _SECONDS:
        raise BadTar.header()
    return (-1 if whole[:1] == b"-" else 1) * (seconds * 1_000_000_000 + part)


def device_number(major: int, minor: int) -> int:
    """As Linux packs it on disk (`new_encode_dev`)."""
    if not (0 <= major < 1 << 12 and 0 <= minor < 1 << 20):
        raise BadTar.header()
    return (minor & 0xFF) | (major << 8) | ((minor & ~0xFF) << 12)


def pax_records(content: bytes) -> dict[bytes, bytes]:
    """Records of `length key=value\\n`, the length counting itself.

    GNU's first sparse format repeats two keys; they come as the one map of its second.
    """
    found, pairs, position = dict[bytes, bytes](), list[bytes](), 0
    while position < len(content):
        space = content.find(b" ", position, position + _MAX_DIGITS)
        digits = content[position:space]
        if space < 0 or not digits.isdigit():
            raise BadTar.header()
        end = position + int(digits)
        key, equals, value = content[space + 1 : end - 1].partition(b"=")
        if end > len(content) or end <= space or not equals or content[end - 1 : end] != b"\n":
            raise BadTar.header()
        if key in _SPARSE_PAIR:
            if key != _SPARSE_PAIR[len(pairs) % 2]:
                raise BadTar.header()
            pairs.append(value)
        found[key] = value
        position = end
    if pairs:
        found[SPARSE_MAP] = b",".join(pairs)
    return found
