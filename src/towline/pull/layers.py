"""What a pull needs of the place where layers are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from towline.oci.digest import Digest
from towline.oci.manifest import Descriptor
from towline.pull.wire import Body


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: what is fetched, and what it must unpack to."""

    descriptor: Descriptor
    diff_id: Digest


class Source(Protocol):
    """Where a layer's compressed bytes come from."""

    async def open(self, offset: int) -> tuple[Body, int]:
        """The bytes from `offset` on, or from 0 when the server knows no ranges, and which of both.

        Raises `towline.pull.failure.Failed`.
        """
        ...


class Layers(Protocol):
    """Verified layers, by diff ID."""

    def has(self, diff_id: Digest) -> bool:
        """Whether this layer is here, complete and verified."""
        ...

    async def add(self, layer: Layer, source: Source, report: Callable[[int], None]) -> None:
        """Fetch a layer unless it is here, and keep it if it is what it claims to be.

        However many ask for the same layer at once, one fetches and the others wait; if it fails,
        the next one tries with its own source. `report` is told how many compressed bytes have
        come. Raises `towline.pull.failure.Failed`, and then nothing of the layer is left.
        """
        ...
