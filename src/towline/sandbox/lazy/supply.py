"""What filling a rope needs of the network."""

from __future__ import annotations

from typing import Protocol


class Unreachable(Exception):
    """Bytes could not be had now; the text says why."""


class Stream(Protocol):
    """Bytes on their way."""

    async def read(self, size: int) -> bytes:
        """The next bytes, exactly so many; raises `Unreachable`."""
        ...

    async def close(self) -> None:
        """No more of them are wanted."""
        ...


class Supply(Protocol):
    """Parts of the blobs of each layer. Everything raises `Unreachable`."""

    async def packed(self, layer: int, part: range) -> bytes:
        """Bytes of the compressed layer, for which somebody waits."""
        ...

    async def windows(self, layer: int, part: range) -> bytes:
        """Bytes of the windows of its index."""
        ...

    async def stream(self, layer: int, part: range) -> Stream:
        """Bytes of the compressed layer, for which nobody waits."""
        ...
