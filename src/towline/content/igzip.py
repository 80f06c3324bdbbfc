"""Gzip inflated into buffers of ours, by the C library that the `isal` package brings along.

The package's own objects make a new `bytes` for every piece, which they let grow by doubling it, and
copy what they did not get to: of a large layer that is a tenth of the time. The library itself writes
where it is told to. It is called as it is in `isal_inflate(3)` (`igzip_lib.h` of ISA-L 2.24 to 2.32);
where it is not what that says, the package's objects do the same.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
from typing import Protocol

from isal import isal_zlib

_GZIP_FORMAT = 16 + 15
_STATE = 128 * 1024  # of 87,368 bytes, and some more for versions to come
_BLOCK_STATE = 21_160
_CRC_FLAG = 21_172
_AS_GZIP = 1
_FINISHED = 5
_SAMPLE = bytes.fromhex("1f8b08000000000000034b4c4a0600c241243503000000")  # abc
_SHA512 = hashlib.sha512()
_BLOCK = bytes(_SHA512.block_size)
_PackageError: type[Exception] = isal_zlib.error  # type: ignore[assignment]  # its stub declares an instance


class BadGzip(Exception):
    """Bytes that are no gzip."""


class Member(Protocol):
    """One gzip member. There may be several in a stream, one after the other."""

    def feed(self, piece: bytes | bytearray | memoryview) -> None:
        """Take in the next bytes, which must stay until the next ones come."""
        ...

    def fill(self, buffer: bytearray, begin: int) -> int:
        """Inflate to a place in a buffer; how many bytes there was room for, or input.

        Raises `BadGzip`.
        """
        ...

    @property
    def ended(self) -> bool:
        """Whether that was all of it."""
        ...

    def rest(self) -> memoryview:
        """The input that was not taken, when it has ended."""
        ...


def member() -> Member:
    """A new member, inflated as fast as this machine can."""
    library = _library()
    return _InPlace(library) if library is not None else InPieces()


class InPieces:
    """Inflates with the package's own objects."""

    def __init__(self) -> None:
        self._engine = isal_zlib.decompressobj(_GZIP_FORMAT)
        self._input: bytes | bytearray | memoryview = b""

    def feed(self, piece: bytes | bytearray | memoryview) -> None:
        """See `Member`."""
        self._input = piece

    def fill(self, buffer: bytearray, begin: int) -> int:
        """See `Member`."""
        if self._engine.eof:
            return 0
        try:
            out: bytes = self._engine.decompress(self._input, len(buffer) - begin)
        except _PackageError as error:
            raise BadGzip from error
        self._input = self._engine.unconsumed_tail
        buffer[begin : begin + len(out)] = out
        return len(out)

    @property
    def ended(self) -> bool:
        """See `Member`."""
        return self._engine.eof

    def rest(self) -> memoryview:
        """See `Member`."""
        return memoryview(self._engine.unused_data)


class _Head(ctypes.Structure):
    """The beginning of `struct inflate_state`."""

    _fields_ = (
        ("next_out", ctypes.c_void_p),
        ("avail_out", ctypes.c_uint32),
        ("total_out", ctypes.c_uint32),
        ("next_in", ctypes.c_void_p),
        ("read_in", ctypes.c_uint64),
        ("avail_in", ctypes.c_uint32),
        ("read_in_length", ctypes.c_int32),
    )


class _InPlace:
    """Inflates with the library."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._inflate = library.isal_inflate
        self._state = ctypes.create_string_buffer(_STATE)
        library.isal_inflate_init(self._state)
        ctypes.c_uint32.from_buffer(self._state, _CRC_FLAG).value = _AS_GZIP
        self._head = _Head.from_buffer(self._state)
        self._block = ctypes.c_uint32.from_buffer(self._state, _BLOCK_STATE)
        self._input = memoryview(b"")

    def feed(self, piece: bytes | bytearray | memoryview) -> None:
        """See `Member`."""
        view = memoryview(piece)
        self._input = memoryview(bytearray(piece)) if view.readonly else view
        self._head.next_in, self._head.avail_in = _address(self._input), len(self._input)

    def fill(self, buffer: bytearray, begin: int) -> int:
        """See `Member`."""
        room, head = len(buffer) - begin, self._head
        head.next_out, head.avail_out = _address(memoryview(buffer)[begin:]), room
        if self._inflate(self._state) < 0:
            raise BadGzip
        _leave_wide_registers()
        return room - int(head.avail_out)

    @property
    def ended(self) -> bool:
        """See `Member`."""
        return self._block.value == _FINISHED

    def rest(self) -> memoryview:
        """See `Member`."""
        taken = len(self._input) - self._head.avail_in
        return self._input[taken:]


def _address(view: memoryview) -> int | None:
    return ctypes.addressof(ctypes.c_char.from_buffer(view)) if len(view) else None


def _leave_wide_registers() -> None:
    """ISA-L leaves AVX registers in use. Until somebody says `vzeroupper`, code that does not know them,
    as OpenSSL's for SHA-256 on processors that help with it, takes a third longer in this thread.
    OpenSSL's code for SHA-512 says it (`sha512-x86_64.pl`), after as little as one block.
    """
    _SHA512.copy().update(_BLOCK)


@functools.cache
def _library() -> ctypes.CDLL | None:
    """The library, if it does with a sample what its header says."""
    try:
        library = ctypes.CDLL(isal_zlib.__file__)
        tried, out = _InPlace(library), bytearray(8)
        tried.feed(_SAMPLE + b"more")
        count = tried.fill(out, 1)
    except (OSError, AttributeError, BadGzip):
        return None
    works = (
        count == 3 and out == b"\0abc\0\0\0\0" and tried.ended and bytes(tried.rest()) == b"more"
    )
    return library if works else None
