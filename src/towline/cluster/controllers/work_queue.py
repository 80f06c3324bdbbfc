"""Which objects a controller still has to look at: each at most once, some not before a time."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Hashable
from itertools import count
from typing import Generic, TypeVar

FIRST_RETRY, LAST_RETRY = 0.05, 60.0  # seconds; doubled from one failure to the next

K = TypeVar("K", bound=Hashable)


class WorkQueue(Generic[K]):
    """Keys to look at. A key that is added while somebody looks at it comes again afterwards."""

    def __init__(self) -> None:
        self._ready: dict[K, None] = {}
        self._at_work: set[K] = set()
        self._again: set[K] = set()
        self._later: list[tuple[float, int, K]] = []
        self._due: dict[K, float] = {}
        self._serial = count()  # keys of one moment keep their order, and need not be comparable
        self._failures: dict[K, int] = {}
        self._changed = asyncio.Event()

    def add(self, key: K) -> None:
        """Look at it soon."""
        if key in self._at_work:
            self._again.add(key)
        else:
            self._ready[key] = None
            self._changed.set()

    def add_after(self, key: K, seconds: float) -> None:
        """Look at it in a while, whatever happens before; of several times the first counts."""
        due = _now() + seconds
        if key in self._due and self._due[key] <= due:
            return
        self._due[key] = due
        heapq.heappush(self._later, (due, next(self._serial), key))
        self._changed.set()

    async def take(self) -> K:
        """The next key; `done` must be called for it."""
        while True:
            self._wake_up_due()
            if self._ready:
                key = next(iter(self._ready))
                del self._ready[key]
                self._at_work.add(key)
                return key
            await self._wait()

    def done(self, key: K) -> None:
        """Nobody looks at it any more."""
        self._at_work.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def succeeded(self, key: K) -> None:
        """The next failure is the first again."""
        self._failures.pop(key, None)

    def failed(self, key: K) -> None:
        """Look at it again, later each time."""
        failures = self._failures.get(key, 0)
        self._failures[key] = min(failures + 1, 30)
        self.add_after(key, min(FIRST_RETRY * 2**failures, LAST_RETRY))

    async def _wait(self) -> None:
        self._changed.clear()
        due = self._later[0][0] - _now() if self._later else None
        try:
            async with asyncio.timeout(due):
                await self._changed.wait()
        except TimeoutError:
            pass

    def _wake_up_due(self) -> None:
        while self._later and self._later[0][0] <= _now():
            due, _, key = heapq.heappop(self._later)
            if self._due.get(key) == due:  # else an earlier time was asked for, and has passed
                del self._due[key]
                self.add(key)


def _now() -> float:
    return asyncio.get_running_loop().time()
