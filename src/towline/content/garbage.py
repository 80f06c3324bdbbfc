"""Which layers to give up when they take too much room."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from towline.oci.digest import Digest


@dataclass(frozen=True, slots=True)
class KeptLayer:
    """A layer on the disk."""

    diff_id: Digest
    size: int
    """What it takes of the disk, in bytes."""
    wanted_at: int
    """When it was last wanted; only the order counts."""


def superfluous(
    layers: Iterable[KeptLayer], used: Collection[Digest], at_most: int
) -> tuple[Digest, ...]:
    """What to remove so that the rest takes no more than `at_most` bytes, the longest unwanted
    first.

    A layer that is used is never removed, so the rest may still take more.
    """
    known = sorted(layers, key=lambda layer: layer.wanted_at)
    excess = sum(layer.size for layer in known) - at_most
    gone = list[Digest]()
    for layer in known:
        if excess <= 0:
            break
        if layer.diff_id not in used:
            gone.append(layer.diff_id)
            excess -= layer.size
    return tuple(gone)
