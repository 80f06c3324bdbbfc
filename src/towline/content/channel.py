"""Buffers handed from one thread to the next, a few at a time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Abandoned(Exception):
    """Nobody reads any more."""


class Channel(Generic[_T]):
    """A bounded queue with an end. The writer ends it, with an error if it failed; the reader may
    walk away.
    """

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._items = deque[_T]()
        self._changed = threading.Condition()
        self._ended = False
        self._error: BaseException | None = None
        self._abandoned = False

    def put(self, item: _T) -> None:
        """Hand over one item, waiting for room; raises `Abandoned` when nobody will take it."""
        with self._changed:
            while len(self._items) >= self._depth and not self._abandoned:
                self._changed.wait()
            if self._abandoned:
                raise Abandoned
            self._items.append(item)
            self._changed.notify_all()

    def end(self, error: BaseException | None = None) -> None:
        """There will be no more items."""
        with self._changed:
            self._ended, self._error = True, error
            self._changed.notify_all()

    def abandon(self) -> None:
        """Take nothing more; a waiting writer is woken."""
        with self._changed:
            self._abandoned = True
            self._items.clear()
            self._changed.notify_all()

    def __iter__(self) -> Iterator[_T]:
        while True:
            with self._changed:
                while not self._items and not self._ended:
                    self._changed.wait()
                if not self._items:
                    if self._error is not None:
                        raise self._error
                    return
                item = self._items.popleft()
                self._changed.notify_all()
            yield item
