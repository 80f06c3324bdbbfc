"""Items made by whoever asks for them or, while it pays, by a thread that goes ahead of him.

A thread of its own is worth it when a core has nothing else to do; otherwise handing items from one
thread to the next costs more than it brings. So it is decided from item to item.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from queue import SimpleQueue
from typing import Generic, TypeVar

_T = TypeVar("_T")
_DEPTH = 4  # measured: 8 is not faster, and takes more memory


def ahead(
    items: Iterator[_T], pays: Callable[[], bool], done: Callable[[_T], None]
) -> Generator[_T]:
    """The same items in the same order; errors come out where they would without a thread.

    `done` is called with an item when the next one is asked for. Nobody else may take items
    meanwhile. Closed, it leaves the rest of them where they are.
    """
    while True:
        if pays():
            runner = _Runner(items)
            try:
                for item in runner.items():
                    yield item
                    done(item)
                    if not pays():
                        runner.recall()
            finally:
                runner.end()
            if runner.finished:
                return
        try:
            item = next(items)
        except StopIteration:
            return
        yield item
        done(item)


class _Raised:
    """What came instead of an item."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


class _Pause:
    """Comes when the thread has stopped."""


class _Runner(Generic[_T]):
    """A thread that makes items for a while."""

    def __init__(self, items: Iterator[_T]) -> None:
        self._items = items
        self._made = SimpleQueue[_T | _Raised | _Pause]()
        self._room = SimpleQueue[None]()
        self._recalled = False
        self.finished = False
        for _ in range(_DEPTH):
            self._room.put(None)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def recall(self) -> None:
        """Have it stop soon; what it has made still comes."""
        self._recalled = True
        self._room.put(None)

    def items(self) -> Iterator[_T]:
        """What it makes, until it stops."""
        while not isinstance(made := self._made.get(), _Pause):
            if isinstance(made, _Raised):
                raise made.error
            yield made
            self._room.put(None)

    def end(self) -> None:
        """Wait until it has stopped."""
        self.recall()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._recalled:
                self._made.put(next(self._items))
                self._room.get()
        except StopIteration:
            self.finished = True
        except BaseException as error:  # noqa: BLE001  # carried to who asks
            self._made.put(_Raised(error))
        finally:
            self._made.put(_Pause())
