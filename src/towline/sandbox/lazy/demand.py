"""Spans that readers wait for: fetched at once, several side by side.

The span behind one that was wanted is fetched too, because files are mostly read on. While any of
these is on the line, what streams in the background stands still (`RightOfWay`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence

from towline.sandbox.lazy.fate import Fate
from towline.sandbox.lazy.spans import Key, Spans
from towline.sandbox.lazy.supply import Supply, Unreachable

PATIENCE = 300.0
"""Seconds for which a reader waits for a network that is away."""
_AT_ONCE = 4
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0


class RightOfWay:
    """Whether somebody waits for bytes that are on the line."""

    def __init__(self) -> None:
        self._waiting = 0
        self._clear = asyncio.Event()
        self._clear.set()
        self.last = _now()
        """When somebody last waited, on the event loop's clock; at first somebody is about to."""

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Somebody waits."""
        self._waiting += 1
        self._clear.clear()
        try:
            yield
        finally:
            self._waiting -= 1
            self.last = _now()
            if not self._waiting:
                self._clear.set()

    async def clear(self) -> None:
        """Wait until nobody waits."""
        await self._clear.wait()


class Demand:
    """Has spans there for readers."""

    def __init__(self, spans: Spans, supply: Supply, way: RightOfWay, fate: Fate) -> None:
        self._spans = spans
        self._supply = supply
        self._way = way
        self._fate = fate
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def have(self, keys: Sequence[Key]) -> None:
        """Have these spans there. When that takes longer than anybody should wait, the rope breaks."""
        deadline = _now() + PATIENCE
        async with asyncio.TaskGroup() as group:
            for key in keys:
                group.create_task(self._have(key, deadline))

    async def read_on(self, key: Key) -> None:
        """Have the span there that somebody may soon ask for; a failure is left for then."""
        layer, number = key
        if number < len(self._spans.index(layer).spans) and self._spans.is_free(key):
            with self._spans.claim(key), contextlib.suppress(Unreachable):
                await self._get(key)

    async def _have(self, key: Key, deadline: float) -> None:
        pause = _FIRST_PAUSE
        while not self._spans.has(key):
            if claim := self._spans.claimed(key):
                await claim.over()
                continue
            try:
                with self._spans.claim(key):
                    await self._get(key)
            except Unreachable as error:
                if _now() + pause > deadline:
                    self._fate.break_off(f"a reader waited for {PATIENCE:.0f} s: {error}")
                    return
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)

    async def _get(self, key: Key) -> None:
        if await self._spans.found(key):
            return
        layer, number = key
        index = self._spans.index(layer)
        span = index.spans[number]
        async with self._gate:
            with self._way.taken():
                packed = await self._supply.packed(layer, index.packed_range(number))
                part = range(span.window, span.window + span.window_size)
                window = await self._supply.windows(layer, part) if part else b""
            await self._spans.put(key, packed, window)


def _now() -> float:
    return asyncio.get_running_loop().time()
