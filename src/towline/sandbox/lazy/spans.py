"""The spans of a rope's layers: which are there, who is busy with which, and putting them.

Whether a span was there when this process began is found out by its digest, once it is wanted: what
an earlier process left half done, or a file that was filled in part long ago, needs nothing else.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from types import TracebackType
from typing import TypeVar

from towline.content.index_blob import LayerIndex
from towline.content.index_span import BadSpan, unpack_span
from towline.content.lazy_file import LazyFile
from towline.sandbox.lazy.fate import Fate
from towline.sandbox.lazy.journal import Journal

_T = TypeVar("_T")
Key = tuple[int, int]
"""A layer and a span of it."""

_CHANCES = 2
"""Times that a span may come with other bytes than its digest says."""


class Spans:
    """All spans of a rope."""

    def __init__(
        self, files: Sequence[LazyFile], journal: Journal, fate: Fate, threads: Executor
    ) -> None:
        self._files = files
        self._journal = journal
        self._fate = fate
        self._threads = threads
        self._claims = dict[Key, Claim]()
        self._examined = set[Key]()
        self._spoiled = Counter[Key]()
        for layer in range(len(files)):
            self._recount(layer)

    def index(self, layer: int) -> LayerIndex:
        """What is known of a layer."""
        return self._files[layer].index

    def covering(self, layer: int, begin: int, end: int) -> list[Key]:
        """The spans of a part of a layer's tar."""
        return [(layer, number) for number in self.index(layer).covering(begin, end)]

    def has(self, key: Key) -> bool:
        """Whether a span is there."""
        return self._journal.has(*key)

    def is_free(self, key: Key) -> bool:
        """Whether it is missing, and nobody is busy with it."""
        return key not in self._claims and not self.has(key)

    def claim(self, key: Key) -> Claim:
        """Be the one who is busy with a span that is free."""
        claim = self._claims[key] = Claim(lambda: self._claims.pop(key))
        return claim

    def claimed(self, key: Key) -> Claim | None:
        """Who is busy with it."""
        return self._claims.get(key)

    async def found(self, key: Key) -> bool:
        """Whether a span was there when nobody knew."""
        if key in self._examined:
            return False
        layer, number = key
        file = self._files[layer]
        there = not file.is_hole(number) and await self._in_thread(lambda: file.has(number))
        self._examined.add(key)
        if there:
            self._journal.put(layer, number, len(file.index.packed_range(number)))
        return there

    def window(self, key: Key) -> range:
        """Where the frame is without which a span cannot be unpacked; it needs none where the span
        before it is there.
        """
        layer, number = key
        span = self.index(layer).spans[number]
        needed = span.window_size and not self.has((layer, number - 1))
        return range(span.window, span.window + span.window_size) if needed else range(0)

    async def put(self, key: Key, packed: bytes, window: bytes) -> None:
        """Unpack a span and write it, if it is the right one; the rope breaks when it came wrong
        again. Without the window that it needs it is not put.
        """
        layer, number = key
        file = self._files[layer]
        if self.window(key) and not window:
            return
        refers = file.index.spans[number].window_size and not window

        def work() -> None:
            before = file.before(number) if refers else b""
            file.put(number, unpack_span(file.index, number, packed, window, before))

        try:
            await self._in_thread(work)
        except BadSpan as error:
            self._spoiled[key] += 1
            if self._spoiled[key] >= _CHANCES:
                self._fate.break_off(str(error))
            return
        except OSError as error:
            self._fate.break_off(f"a layer cannot be written: {error}")
            return
        self._examined.add(key)
        self._journal.put(layer, number, len(packed))

    async def is_whole(self, layer: int) -> bool:
        """Whether the tar of a layer is the right one."""
        return await self._in_thread(self._files[layer].is_whole)

    def _recount(self, layer: int) -> None:
        index = self.index(layer)
        numbers = filter(lambda n: self._journal.has(layer, n), range(len(index.spans)))
        self._journal.recount(layer, sum(len(index.packed_range(number)) for number in numbers))

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


class Claim:
    """One task's being busy with a span."""

    def __init__(self, let_go: Callable[[], object]) -> None:
        self._let_go = let_go
        self._over = asyncio.Event()

    def release(self) -> None:
        """Let others have it."""
        self._let_go()
        self._over.set()

    async def over(self) -> None:
        """Wait until it is let go."""
        await self._over.wait()

    def __enter__(self) -> None:
        """For as long as the block lasts."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """However it ends."""
        self.release()
