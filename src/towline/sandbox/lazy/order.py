"""What a rope's processes must know: which files to fill, and the ways to what belongs in them.

It holds logins, so it is never on a disk: it lies in memory that has no name (memfd_create(2)) and
is handed on by its descriptor. At its beginning stands how many bytes are valid; behind it come
frames, each its length and one MessagePack value: first the layers, then the ways, in the order in
which they were added. A frame counts only once the number at the beginning includes it, so nobody
ever reads half a way.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence

import msgspec

_VALID = struct.Struct("=Q")
_LENGTH = struct.Struct("=I")


class Packed(msgspec.Struct, frozen=True):
    """A blob at the registry."""

    digest: str
    size: int
    media_type: str


class LazyLayer(msgspec.Struct, frozen=True):
    """A layer that is to be filled."""

    diff_id: str
    path: str
    """The sparse file, as `towline.content.lazy_file.lay_out` made it."""
    packed: Packed
    """The compressed layer."""
    windows: Packed | None
    """The windows of its index; None when there are none."""
    head: str
    """The path of the head of its index, which has been verified."""


class Way(msgspec.Struct, frozen=True):
    """How a pod may fetch: it is a way as long as the registry lets this login read the repository."""

    reference: str
    """Of the image; its repository has the layers."""
    username: str = ""
    password: str = ""
    annotations: dict[str, str] = {}
    """Of the pod, for its `RegistryPolicy`."""
    namespace: str | None = None
    """The path of the pod's network namespace; None for the machine's own."""
    nameservers: list[str] | None = None
    ca_file: str | None = None
    dial_timeout: float = 30.0

    def __repr__(self) -> str:
        return f"Way(reference={self.reference!r}, username={self.username!r})"


class Layers(msgspec.Struct, frozen=True):
    """The layers of one rope, and where it leaves word of its end."""

    folder: str
    layers: tuple[LazyLayer, ...]


class Order:
    """An order in memory that several processes share; ways are only ever added."""

    def __init__(self, descriptor: int) -> None:
        """One that is there."""
        self.descriptor = descriptor

    @classmethod
    def write(cls, layers: Layers, ways: Sequence[Way]) -> Order:
        """Make one."""
        order = cls(os.memfd_create("towline-order", os.MFD_CLOEXEC))
        os.pwrite(order.descriptor, _VALID.pack(_VALID.size), 0)
        order._add(msgspec.msgpack.encode(layers))
        for way in ways:
            order.add(way)
        return order

    def add(self, way: Way) -> None:
        """One way more. Only the process that owns the rope adds."""
        self._add(msgspec.msgpack.encode(way))

    @property
    def layers(self) -> Layers:
        """What is to be filled."""
        return msgspec.msgpack.decode(next(self._frames()), type=Layers)

    @property
    def ways(self) -> tuple[Way, ...]:
        """All ways that there are now."""
        _, *ways = self._frames()
        return tuple(msgspec.msgpack.decode(way, type=Way) for way in ways)

    def _add(self, content: bytes) -> None:
        end = self._valid()
        frame = _LENGTH.pack(len(content)) + content
        os.pwrite(self.descriptor, frame, end)
        os.pwrite(self.descriptor, _VALID.pack(end + len(frame)), 0)

    def _valid(self) -> int:
        (end,) = _VALID.unpack(os.pread(self.descriptor, _VALID.size, 0))
        return int(end)

    def _frames(self) -> Iterator[bytes]:
        content, position = os.pread(self.descriptor, self._valid(), 0), _VALID.size
        while position < len(content):
            (length,) = _LENGTH.unpack_from(content, position)
            position += _LENGTH.size
            yield content[position : position + length]
            position += length
