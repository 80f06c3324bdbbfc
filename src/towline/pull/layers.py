"""What a pull needs of the place where layers are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from towline.oci.digest import Digest
from towline.oci.manifest import Descriptor
from towline.pull.wire import Body


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: what is fetched, and what it must unpack to."""

    descriptor: Descriptor
    diff_id: Digest


@dataclass(frozen=True, slots=True)
class Receipt:
    """What it took to have a layer."""

    fetched: int = 0
    """Bytes that came over the network."""
    reused: int = 0
    """Compressed bytes that were here already, all of them or from a download that was cut."""
    stages: Mapping[str, float] = field(default_factory=dict)
    """Seconds from the beginning until each stage was done: `fetch`, `inflate`, `write`."""


class Source(Protocol):
    """Where a layer's compressed bytes come from."""

    @property
    def registry(self) -> str:
        """Whose bytes they are, for bounds on how much is asked of one registry at once."""
        ...

    async def open(self, offset: int) -> tuple[Body, int]:
        """The bytes from `offset` on, or from 0 when the server knows no ranges, and which of both.

        Raises `towline.pull.failure.Failed`.
        """
        ...

    async def part(self, begin: int, end: int) -> Body | None:
        """Exactly the bytes from `begin` to before `end`; None when the server gives no ranges.

        Raises `towline.pull.failure.Failed`.
        """
        ...


class Layers(Protocol):
    """Verified layers, by diff ID."""

    def has(self, diff_id: Digest) -> bool:
        """Whether this layer is here, complete and verified."""
        ...

    async def add(self, layer: Layer, source: Source, report: Callable[[int], None]) -> Receipt:
        """Fetch a layer unless it is here, and keep it if it is what it claims to be.

        However many ask for the same layer at once, one fetches and the others wait; if it fails,
        the next one tries with its own source. `report` is told how many compressed bytes have
        come. Raises `towline.pull.failure.Failed`, and then nothing of the layer is visible; what
        has come of a download that was cut is kept for the next one.
        """
        ...
