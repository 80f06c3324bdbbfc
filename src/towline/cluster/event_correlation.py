"""Makes few Events out of many happenings, as client-go does.

The same thing again raises the count of its Event; more than ten similar things within ten minutes
become one Event; and who says too much of one object falls silent for a while. What is said of a
topic is one Event that changes.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import TypeVar

from towline.kube.event import Happening, ObjectReference

# The figures of client-go's tools/record/events_cache.go.
SIMILAR, SIMILAR_WITHIN = 10, 600.0
BURST, SECONDS_PER_TOKEN = 25, 300.0
REMEMBERED = 4096
COMBINED = "(combined from similar events): "

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Sighting:
    """What is to be written: the count says whether it was seen before."""

    key: Happening
    """Under which identity it is counted."""
    happening: Happening
    count: int


@dataclass(slots=True)
class _Similar:
    messages: set[str] = field(default_factory=set)
    last: float = 0.0


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled: float


class EventCorrelator:
    """Remembers what was said lately, by one source."""

    def __init__(self) -> None:
        self._counts: OrderedDict[Happening, int] = OrderedDict()
        self._similar: OrderedDict[Happening, _Similar] = OrderedDict()
        self._buckets: OrderedDict[ObjectReference, _Bucket] = OrderedDict()

    def see(self, happening: Happening, now: float) -> Sighting | None:
        """What to write; None when too much has been said of this object."""
        happening = _without_version(happening)
        if happening.topic:
            return self._latest(happening)
        key = self._aggregated(happening, now)
        if key is not happening:
            happening = replace(happening, message=COMBINED + happening.message)
        count = self._counted(key)
        if not self._may_speak(happening.about, now):
            return None
        return Sighting(key, happening, count)

    def _latest(self, happening: Happening) -> Sighting:
        key = replace(happening, message="")
        return Sighting(key, happening, self._counted(key))

    def _counted(self, key: Happening) -> int:
        count = self._counts.get(key, 0) + 1
        _remember(self._counts, key, count)
        return count

    def _aggregated(self, happening: Happening, now: float) -> Happening:
        family = replace(happening, message="")
        similar = self._similar.get(family) or _Similar()
        if now - similar.last > SIMILAR_WITHIN:
            similar = _Similar()
        similar.last = now
        similar.messages.add(happening.message)
        _remember(self._similar, family, similar)
        return family if len(similar.messages) > SIMILAR else happening

    def _may_speak(self, about: ObjectReference, now: float) -> bool:
        whole = replace(about, field_path="")
        bucket = self._buckets.get(whole) or _Bucket(BURST, now)
        grown = bucket.tokens + (now - bucket.filled) / SECONDS_PER_TOKEN
        bucket.tokens, bucket.filled = min(grown, BURST), now
        _remember(self._buckets, whole, bucket)
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True


def _without_version(happening: Happening) -> Happening:
    """Two revisions of an object are still the same object."""
    return replace(happening, about=replace(happening.about, resource_version=""))


def _remember(memory: OrderedDict[K, V], key: K, value: V) -> None:
    memory[key] = value
    memory.move_to_end(key)
    while len(memory) > REMEMBERED:
        memory.popitem(last=False)
