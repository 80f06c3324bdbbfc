"""Layers that hang on a rope: used by pods, and filled behind them.

What a rope is, and why readers of its layers wait instead of reading zeros, is told in `rope`. Here
is what those need of it who start pods.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec

from towline.oci.digest import Digest
from towline.sandbox import record_file
from towline.sandbox.lazy.order import LazyLayer, Way

_RECORD = "rope.json"


class CannotTie(Exception):
    """Nothing can hang on ropes here; the text says why."""


class Rope(Protocol):
    """What keeps readers of some layers waiting until their bytes have come."""

    @property
    def descriptor(self) -> int:
        """Who has it keeps readers waiting, whoever else ends; -1 after the rope's end."""
        ...

    def add_way(self, way: Way) -> None:
        """One way more to fetch what is missing."""
        ...

    async def finished(self) -> str:
        """Its end: empty when every layer is whole and verified, else why that will never be."""
        ...

    def filled(self) -> Mapping[str, tuple[int, int]]:
        """How many packed bytes of each layer are there, of how many, by diff ID; it may be empty
        after its end.
        """
        ...

    async def untie(self) -> None:
        """Let it go; nobody may read what is not whole from here on."""
        ...


class Ropes(Protocol):
    """Where ropes come from."""

    async def tie(self, layers: Sequence[LazyLayer], way: Way, folder: Path) -> Rope:
        """From here on readers of these files wait; raises `CannotTie`."""
        ...

    async def find(self, folder: Path) -> Rope | None:
        """The rope that an earlier process has tied; None when nobody fills it any more."""
        ...


class NoRopes:
    """Where there are none."""

    async def tie(self, layers: Sequence[LazyLayer], way: Way, folder: Path) -> Rope:
        """See `Ropes`."""
        raise CannotTie("there are no ropes")

    async def find(self, folder: Path) -> Rope | None:
        """See `Ropes`."""
        return None


class RopeRecord(msgspec.Struct, frozen=True):
    """Written before a rope is tied."""

    layers: tuple[str, ...]
    size: int
    """Packed bytes of all of them."""
    began: float
    """Seconds since the epoch."""
    room: int = 0
    """What their files take of the disk when they are whole."""

    @classmethod
    def of(cls, folder: Path) -> RopeRecord | None:
        """What the folder of a rope says of it; None when it is only half made."""
        return record_file.read(folder / _RECORD, cls)

    def write(self, folder: Path) -> None:
        """Make the folder of a rope."""
        folder.mkdir(parents=True)
        record_file.write(folder / _RECORD, self)

    @property
    def diff_ids(self) -> frozenset[Digest]:
        """The layers."""
        return frozenset(map(Digest.parse, self.layers))


@dataclass(frozen=True, slots=True)
class End:
    """How layers ended that hung on a rope."""

    size: int
    """Packed bytes that they have."""
    seconds: float
    """Since the rope was tied."""
    trouble: str
    """Why they will never be whole; empty when they are."""


@dataclass(slots=True, eq=False)
class Hanging:
    """One rope, with what hangs on it."""

    rope: Rope
    folder: Path
    record: RopeRecord
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """When all is done that had to be done at its end."""
    end: End | None = None

    @property
    def layers(self) -> frozenset[Digest]:
        """What hangs on it."""
        return self.record.diff_ids

    @property
    def filled(self) -> tuple[int, int]:
        """How many bytes are there, of how many."""
        have = sum(have for have, _ in self.rope.filled().values())
        return have, self.record.size

    @property
    def owed(self) -> int:
        """About how many bytes of the disk its layers will take yet."""
        have, want = self.filled
        return self.record.room * (want - have) // max(want, 1) if self.end is None else 0

    def close(self, trouble: str) -> None:
        """Note its end."""
        self.end = End(self.record.size, time.time() - self.record.began, trouble)


async def end_of(hangings: Sequence[Hanging]) -> End | None:
    """How all of them ended, when they have; None when one was let go before."""
    ends = list[End]()
    for hanging in hangings:
        await hanging.over.wait()
        if hanging.end is None:
            return None
        ends.append(hanging.end)
    trouble = "; ".join(filter(None, (end.trouble for end in ends)))
    seconds = max((end.seconds for end in ends), default=0.0)
    return End(sum(end.size for end in ends), seconds, trouble)
