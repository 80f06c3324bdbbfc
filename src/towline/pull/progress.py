"""How far a pull is, for whoever wants to show it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from towline.oci.digest import Digest


class Phase(StrEnum):
    """What is happening to a layer."""

    WAITING = "waiting"
    TRANSFERRING = "transferring"
    UNPACKING = "unpacking"
    """All bytes have come; what they unpack to is still being written and verified."""
    DONE = "done"
    PRESENT = "already here"


class Progress(Protocol):
    """Is told of every layer. It is called often and from any thread: it must be quick and must not
    raise.
    """

    def layer(self, digest: Digest, phase: Phase, have: int, wanted: int) -> None:
        """`have` of `wanted` compressed bytes have come."""
        ...


class NoProgress:
    """Shows nothing."""

    def layer(self, digest: Digest, phase: Phase, have: int, wanted: int) -> None:
        """Do nothing."""


class Tally:
    """Adds up the bytes of all layers that have to come; those already here do not count."""

    def __init__(self) -> None:
        self._layers: dict[Digest, tuple[int, int]] = {}

    def layer(self, digest: Digest, phase: Phase, have: int, wanted: int) -> None:
        """Note how far a layer is."""
        if phase is Phase.PRESENT:
            self._layers.pop(digest, None)
        else:
            self._layers[digest] = have, wanted

    @property
    def have(self) -> int:
        """Bytes that have come."""
        return sum(have for have, _ in tuple(self._layers.values()))

    @property
    def wanted(self) -> int:
        """Bytes that there are; 0 as long as nothing is known of the layers."""
        return sum(wanted for _, wanted in tuple(self._layers.values()))


@dataclass(frozen=True, slots=True)
class Pace:
    """How far something is, and how fast it goes."""

    have: int
    wanted: int
    rate: float
    """Bytes a second, lately; 0 when nothing comes."""

    @property
    def seconds_left(self) -> float | None:
        """At this rate; None when nothing comes."""
        return (self.wanted - self.have) / self.rate if self.rate else None


class PaceMaker:
    """Measures a pace by what came within the last seconds, so that it follows what happens now."""

    def __init__(self, window: float, now: float) -> None:
        self._window = window
        self._seen = deque([(now, 0)])

    def measure(self, tally: Tally, now: float) -> Pace:
        """The pace at a moment later than the last; what precedes the first byte does not count."""
        have, wanted = tally.have, tally.wanted
        if not have:
            self._seen = deque([(now, 0)])
            return Pace(have, wanted, 0)
        self._seen.append((now, have))
        while now - self._seen[1][0] >= self._window:
            self._seen.popleft()
        since, had = self._seen[0]
        return Pace(have, wanted, max(have - had, 0) / (now - since))
