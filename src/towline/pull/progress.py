"""How far a pull is, for whoever wants to show it."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from towline.oci.digest import Digest


class Phase(StrEnum):
    """What is happening to a layer."""

    WAITING = "waiting"
    TRANSFERRING = "transferring"
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
