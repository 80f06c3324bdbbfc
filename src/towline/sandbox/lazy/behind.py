"""All spans that nobody waits for: streamed, layer by layer, a run of spans with one request."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

from towline.sandbox.lazy.demand import RightOfWay
from towline.sandbox.lazy.spans import Claim, Key, Spans
from towline.sandbox.lazy.supply import Stream, Supply, Unreachable

RUN = 32 * 1024 * 1024
"""Packed bytes of a request: so often is it looked anew what is missing."""
_PIECE = 256 * 1024
_AT_WORK = 2
"""Spans that are unpacked while the next one comes."""
_FIRST_REST, _LONGEST_REST = 0.1, 30.0


class Behind:
    """Fills what readers leave."""

    def __init__(self, spans: Spans, supply: Supply, way: RightOfWay) -> None:
        self._spans = spans
        self._supply = supply
        self._way = way

    async def fill(self, layer: int) -> None:
        """Have all of a layer there, however long it takes."""
        await self._recognise(layer)
        rest = _FIRST_REST
        while (first := self._missing(layer)) is not None:
            if claim := self._spans.claimed((layer, first)):
                await claim.over()
                continue
            try:
                await self._stream(layer, self._run(layer, first))
                rest = _FIRST_REST
            except Unreachable:
                await asyncio.sleep(rest)
                rest = min(2 * rest, _LONGEST_REST)

    async def _recognise(self, layer: int) -> None:
        """Find out which spans an earlier process, or an earlier rope, has left."""
        for number in range(len(self._spans.index(layer).spans)):
            if self._spans.is_free((layer, number)):
                with self._spans.claim((layer, number)):
                    await self._spans.found((layer, number))

    def _missing(self, layer: int) -> int | None:
        """A span that is not there; one that somebody is busy with only when there is no other."""
        numbers = range(len(self._spans.index(layer).spans))
        missing = [number for number in numbers if not self._spans.has((layer, number))]
        free = (number for number in missing if self._spans.is_free((layer, number)))
        return next(free, missing[0] if missing else None)

    def _run(self, layer: int, first: int) -> range:
        index, end = self._spans.index(layer), first + 1
        begin = index.packed_range(first).start
        while (
            end < len(index.spans)
            and index.packed_range(end).stop - begin <= RUN
            and self._spans.is_free((layer, end))
        ):
            end += 1
        return range(first, end)

    async def _stream(self, layer: int, run: range) -> None:
        """Have a run of spans there, up to one that somebody else has taken meanwhile."""
        index = self._spans.index(layer)
        await self._way.clear()
        window = await self._window((layer, run[0]))
        part = range(index.packed_range(run[0]).start, index.packed_range(run[-1]).stop)
        stream = await self._supply.stream(layer, part)
        failed: Unreachable | None = None
        try:
            async with asyncio.TaskGroup() as group:
                hands = _Hands(self._spans, group)
                for number in run:
                    await hands.free()
                    if not self._spans.is_free((layer, number)):
                        break
                    coming = self._read(stream, len(index.packed_range(number)))
                    failed = await hands.take((layer, number), window, coming)
                    if failed is not None:
                        break
                    window = b""
        finally:
            await stream.close()
        if failed is not None:
            raise failed

    async def _window(self, key: Key) -> bytes:
        """That of a run's first span; the others have what lies before them."""
        part = self._spans.window(key)
        return await self._supply.windows(key[0], part) if part else b""

    async def _read(self, stream: Stream, size: int) -> bytes:
        content = bytearray()
        while len(content) < size:
            await self._way.clear()
            content += await stream.read(min(_PIECE, size - len(content)))
        return bytes(content)


class _Hands:
    """Puts spans that have come, while the next one comes."""

    def __init__(self, spans: Spans, group: asyncio.TaskGroup) -> None:
        self._spans = spans
        self._group = group
        self._hands = asyncio.Semaphore(_AT_WORK)
        self._last: asyncio.Task[None] | None = None

    async def free(self) -> None:
        """Wait until a hand is free, and keep it."""
        await self._hands.acquire()

    async def take(
        self, key: Key, window: bytes, coming: Coroutine[None, None, bytes]
    ) -> Unreachable | None:
        """Wait for a span to come; it is put later. What kept it from coming."""
        claim = self._spans.claim(key)
        try:
            packed = await coming
        except Unreachable as error:
            claim.release()
            return error
        except BaseException:
            claim.release()
            raise
        put = self._put(key, packed, window, self._last)
        self._last = self._group.create_task(put)
        self._last.add_done_callback(lambda _: self._put_down(claim))
        return None

    async def _put(
        self, key: Key, packed: bytes, window: bytes, last: asyncio.Task[None] | None
    ) -> None:
        """Put it behind the one before it, to which it may refer."""
        if last is not None:
            await asyncio.wait([last])
        await self._spans.put(key, packed, window)

    def _put_down(self, claim: Claim) -> None:
        claim.release()
        self._hands.release()
