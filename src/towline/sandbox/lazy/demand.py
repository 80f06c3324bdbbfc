"""Spans that readers wait for: fetched at once, several side by side.

Where somebody reads one span after another, the next one is on its way before he asks, but never
beside one that he waits for: it would take half the line from it. While any of these is on the line,
what streams in the background stands still (`RightOfWay`).
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
        self._read = set[Key]()
        """Spans that somebody has wanted something of."""
        self._coming = dict[Key, asyncio.Event]()
        """Spans behind which one is to be fetched, and when they are no longer on the line."""

    async def have(self, keys: Sequence[Key]) -> None:
        """Have these spans there. When that takes longer than anybody should wait, the rope breaks."""
        deadline = _now() + PATIENCE
        async with asyncio.TaskGroup() as group:
            for key in keys:
                group.create_task(self._have(key, deadline))

    def ahead(self, keys: Sequence[Key]) -> Key | None:
        """Note that somebody wants something of these spans; the one that he may want next, if it is
        missing and he seems to read on.
        """
        (layer, last), known = keys[-1], self._read.issuperset(keys)
        self._read.update(keys)
        if known or (layer, last - 1) not in self._read:
            return None
        following = layer, last + 1
        if last + 1 == len(self._spans.index(layer).spans) or not self._spans.is_free(following):
            return None
        if not self._spans.has((layer, last)):
            self._coming.setdefault((layer, last), asyncio.Event())  # others wait for it already
        return following

    async def read_on(self, key: Key) -> None:
        """Have a span there that somebody may soon ask for, once the one before it has come; a failure
        is left for then.
        """
        layer, number = key
        before = self._coming.get((layer, number - 1))
        if before is not None:
            await before.wait()
        if self._spans.is_free(key):
            with self._spans.claim(key), contextlib.suppress(Unreachable):
                await self._get(key)

    async def _have(self, key: Key, deadline: float) -> None:
        try:
            await self._have_by(key, deadline)
        finally:
            self._has_come(key)

    async def _have_by(self, key: Key, deadline: float) -> None:
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
        async with self._gate:
            with self._way.taken():
                packed, dictionary = await self._brought(key, self._spans.window(key))
            self._has_come(key)
            await self._spans.put(key, packed, dictionary)

    async def _brought(self, key: Key, window: range) -> tuple[bytes, bytes]:
        """A span and its window, asked for at once."""
        layer, number = key
        part = self._spans.index(layer).packed_range(number)
        if not window:
            return await self._supply.packed(layer, part), b""
        try:
            async with asyncio.TaskGroup() as group:
                packed = group.create_task(self._supply.packed(layer, part))
                framed = group.create_task(self._supply.windows(layer, window))
        # Not `except*`: before Python 3.11.4 it wraps what is raised in it.
        except BaseExceptionGroup as failures:
            failed, defects = failures.split(Unreachable)
            if failed is None or defects is not None:
                raise
            raise Unreachable(str(failed.exceptions[0])) from failures
        return packed.result(), framed.result()

    def _has_come(self, key: Key) -> None:
        coming = self._coming.pop(key, None)
        if coming is not None:
            coming.set()


def _now() -> float:
    return asyncio.get_running_loop().time()
