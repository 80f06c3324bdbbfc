"""Questions that many ask at the same moment, asked once.

Who comes while the same question is on its way does not take part in that answer, which may be older
than his own asking: he and all who come with him share the next one. So nobody gets anything older
than if he had asked alone, and a crowd costs two questions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class JoinedCalls(Generic[K, V]):
    """Calls that are told apart by a key."""

    def __init__(self) -> None:
        self._lines = dict[K, _Line[V]]()

    async def ask(self, key: K, call: Callable[[], Awaitable[V]]) -> V:
        """What `call` answers or raises, begun after this was asked for; all calls with one key are
        the same call. The answer is shared, so it must be nothing that one of them changes.
        """
        line = self._lines.setdefault(key, _Line())
        line.waiting += 1
        try:
            return await line.ask(call)
        finally:
            line.waiting -= 1
            if not line.waiting:
                del self._lines[key]


class _Line(Generic[V]):
    def __init__(self) -> None:
        self.waiting = 0
        self._turn = asyncio.Lock()
        self._next = _Round[V]()

    async def ask(self, call: Callable[[], Awaitable[V]]) -> V:
        mine = self._next
        async with self._turn:
            if not mine.is_over:
                if mine is self._next:
                    self._next = _Round()
                await mine.run(call)
        return mine.answer()


class _Round(Generic[V]):
    """One call; who makes it may be cancelled, and then the next one in line makes it."""

    def __init__(self) -> None:
        self.is_over = False
        self._answers = list[V]()
        self._error: Exception | None = None

    async def run(self, call: Callable[[], Awaitable[V]]) -> None:
        try:
            self._answers.append(await call())
        except Exception as error:  # noqa: BLE001  # raised at everybody who has asked
            self._error = error
        self.is_over = True

    def answer(self) -> V:
        if self._error is not None:
            raise self._error
        return self._answers[0]
