"""How the threads that fetch a layer ask the event loop, to which the pull belongs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from towline.pull.layers import Source
from towline.pull.wire import Body

_T = TypeVar("_T")


class Opener:
    """A source as a `towline.content.fetch.Supply`: every question blocks until it is answered."""

    def __init__(
        self, source: Source, loop: asyncio.AbstractEventLoop, share: Callable[[], int]
    ) -> None:
        self._source = source
        self._loop = loop
        self._asked = set[Future[Any]]()
        self._lock = threading.Lock()
        self._cancelled = False
        self.share = share

    def open(self, offset: int) -> tuple[Body, int]:
        """See `Supply`."""
        return self._ask(self._source.open(offset))

    def part(self, begin: int, end: int) -> Body | None:
        """See `Supply`."""
        return self._ask(self._source.part(begin, end))

    def cancel(self) -> None:
        """Stop waiting for answers."""
        with self._lock:
            self._cancelled = True
            asked = tuple(self._asked)
        for future in asked:
            future.cancel()

    def _ask(self, question: Coroutine[Any, Any, _T]) -> _T:
        with self._lock:
            future = asyncio.run_coroutine_threadsafe(question, self._loop)
            self._asked.add(future)
            cancelled = self._cancelled
        if cancelled:  # before there was anything to cancel
            future.cancel()
        try:
            return future.result()
        finally:
            self._asked.discard(future)
