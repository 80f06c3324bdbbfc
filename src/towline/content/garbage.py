"""Which layers to give up when they take too much room."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from towline.kube.annotations import (
    IMAGE_GC_HIGH_THRESHOLD,
    IMAGE_GC_LOW_THRESHOLD,
    IMAGE_GC_PERIOD,
)
from towline.oci.digest import Digest

PERIOD = 180.0  # TKE Serverless' image-gc-period
_SHORTEST = 10
_DURATION = re.compile(r"(\d{1,6})([smh])")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


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


@dataclass(frozen=True, slots=True, order=True)
class WaterMarks:
    """Which part of the disk may be in use: what is above `high` is brought down to `low`.

    The kubelet's rule, in pkg/kubelet/images/image_gc_manager.go.
    """

    high: int = 80
    """Percent; TKE Serverless has these numbers."""
    low: int = 75

    @classmethod
    def parse(cls, high: str, low: str) -> WaterMarks:
        """Two numbers of percent, low below high; what makes no sense is as if it was not said."""
        default = cls()
        marks = cls(_percent(high, default.high), _percent(low, default.low))
        return marks if marks.low < marks.high else cls(marks.high, max(marks.high - 5, 0))

    @classmethod
    def from_annotations(cls, annotations: Mapping[str, str]) -> WaterMarks:
        """What a pod asks for."""
        high = annotations.get(IMAGE_GC_HIGH_THRESHOLD, "")
        return cls.parse(high, annotations.get(IMAGE_GC_LOW_THRESHOLD, ""))

    def excess(self, total: int, free: int) -> int:
        """How many bytes to free."""
        if not total or 100 - free * 100 // total < self.high:
            return 0
        return max(total * (100 - self.low) // 100 - free, 0)


def period(annotations: Mapping[str, str], otherwise: float = PERIOD) -> float:
    """How many seconds a pod wants between two looks at the disk, in Go's way: `90s`, `3m`, `1h`."""
    found = _DURATION.fullmatch(annotations.get(IMAGE_GC_PERIOD, ""))
    seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
    return seconds if seconds >= _SHORTEST else otherwise


def _percent(text: str, otherwise: int) -> int:
    return int(text) if text.isdecimal() and len(text) <= 3 and int(text) <= 100 else otherwise
