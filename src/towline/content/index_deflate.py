"""A gzip stream, inflated from block to block: where one could begin again, and with what in mind.

Deflate is a row of blocks. At the beginning of one, a decoder needs no state but the last 32 KiB of
what it wrote, the window. Blocks begin at any bit; those that happen to begin at a byte suffice (one
in eight does), and there any decoder can start that takes a window as preset dictionary. Only zlib
says where blocks begin (`Z_BLOCK`, see its manual and its `examples/zran.c`), and Python's `zlib`
does not pass that on, so the library is called by `ctypes`. It holds no lock of Python's meanwhile.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass

from towline.content.tar_field import BadTar

_LIBRARY = "libz.so.1"
_GZIP = 16 + 15
_OUTPUT = 256 * 1024
_WINDOW = 32 * 1024
_Z_OK, _Z_STREAM_END, _Z_BUF_ERROR, _Z_BLOCK = 0, 1, -5, 5
_LAST_BLOCK, _AT_BOUNDARY, _BITS_LEFT = 64, 128, 7  # parts of `data_type`, in zlib.h at inflate()


class NoZlib(Exception):
    """This machine has no zlib to ask."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """A place where a decoder can begin."""

    unpacked: int
    packed: int
    window: bytes


class _State(ctypes.Structure):
    """`z_stream` of zlib.h."""

    _fields_ = (
        ("next_in", ctypes.c_void_p),
        ("avail_in", ctypes.c_uint),
        ("total_in", ctypes.c_ulong),
        ("next_out", ctypes.c_void_p),
        ("avail_out", ctypes.c_uint),
        ("total_out", ctypes.c_ulong),
        ("msg", ctypes.c_char_p),
        ("state", ctypes.c_void_p),
        ("zalloc", ctypes.c_void_p),
        ("zfree", ctypes.c_void_p),
        ("opaque", ctypes.c_void_p),
        ("data_type", ctypes.c_int),
        ("adler", ctypes.c_ulong),
        ("reserved", ctypes.c_ulong),
    )


class BlockReader:
    """Feeds on a gzip stream of any number of members, in pieces of any size."""

    def __init__(self, step: int) -> None:
        """Name boundaries at least `step` bytes of output apart; raises `NoZlib`."""
        try:
            self._zlib = ctypes.CDLL(_LIBRARY)
        except OSError as error:
            raise NoZlib(str(error)) from error
        self._zlib.zlibVersion.restype = ctypes.c_char_p
        self._state = _State()
        version, size = self._zlib.zlibVersion(), ctypes.sizeof(_State)
        if self._zlib.inflateInit2_(ctypes.byref(self._state), _GZIP, version, size) != _Z_OK:
            raise NoZlib(f"{_LIBRARY} refuses to begin")
        self._output = (ctypes.c_char * _OUTPUT)()
        self._step = step
        self._next = 0
        self._packed = self._unpacked = 0
        self._is_over = False
        self._closed = False

    def feed(self, piece: bytes) -> Iterator[bytes | Boundary]:
        """What comes out of a piece, and the boundaries between; raises `BadTar`."""
        state = self._state
        source = ctypes.create_string_buffer(piece, len(piece))
        state.next_in, state.avail_in = ctypes.addressof(source), len(piece)
        while not self._is_over or state.avail_in:
            if self._is_over:
                self._zlib.inflateReset(ctypes.byref(state))
                self._is_over = False
            result, content = self._inflate()
            if content:
                yield content
            if result == _Z_STREAM_END:
                self._is_over = True
            elif result == _Z_BUF_ERROR:
                return
            elif result != _Z_OK:
                raise BadTar("flate: corrupt input")
            elif self._is_boundary():
                self._next = self._unpacked + self._step
                yield Boundary(self._unpacked, self._packed, self._window())

    def finish(self) -> None:
        """The stream has ended; raises `BadTar` when it should not have."""
        if not self._is_over:
            raise BadTar("unexpected EOF")

    def close(self) -> None:
        """Give the memory back."""
        if not self._closed:
            self._zlib.inflateEnd(ctypes.byref(self._state))
            self._closed = True

    def _inflate(self) -> tuple[int, bytes]:
        state = self._state
        state.next_out, state.avail_out = ctypes.addressof(self._output), _OUTPUT
        before = state.avail_in
        result = self._zlib.inflate(ctypes.byref(state), _Z_BLOCK)
        content = ctypes.string_at(self._output, _OUTPUT - state.avail_out)
        self._packed += before - state.avail_in
        self._unpacked += len(content)
        return result, content

    def _is_boundary(self) -> bool:
        kind = self._state.data_type
        at_byte = kind & (_AT_BOUNDARY | _LAST_BLOCK | _BITS_LEFT) == _AT_BOUNDARY
        return at_byte and self._unpacked >= self._next

    def _window(self) -> bytes:
        window, size = (ctypes.c_char * _WINDOW)(), ctypes.c_uint(0)
        self._zlib.inflateGetDictionary(ctypes.byref(self._state), window, ctypes.byref(size))
        return window.raw[: size.value]
