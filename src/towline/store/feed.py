"""The recent past of one kind, and those who follow it.

There is one bounded history per kind and each watcher is a position in it: a watcher costs no
buffer of its own, and one that falls behind the history is told so (`Overrun`) instead of making
the process grow.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Callable

from towline.store.error import Compacted, Overrun
from towline.store.record import Event

HISTORY = 10_000  # events of one kind: a burst of 5000 pods changing twice is not yet an overrun


class Feed:
    """The last events of one kind. Everything after revision `oldest` is here."""

    def __init__(self, oldest: int, limit: int = HISTORY) -> None:
        self.oldest = oldest
        self.first = 0
        """The position of the first event kept; positions only grow."""
        self._events: list[Event] = []
        self._limit = limit
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def end(self) -> int:
        """The position after the last event."""
        return self.first + len(self._events)

    def append(self, event: Event) -> None:
        """Take in the next event; `wake` tells the watchers."""
        self._events.append(event)
        if len(self._events) >= 2 * self._limit:
            self._forget(self._limit)

    def wake(self) -> None:
        """Let all who wait look again."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def reset(self, oldest: int) -> None:
        """Forget everything up to `oldest`: those who were following are overrun."""
        self.first, self._events, self.oldest = self.end + 1, [], oldest
        self.wake()

    def position(self, after: int) -> int:
        """Where the first event later than revision `after` is, or will be."""
        if after < self.oldest:
            raise Compacted(after, self.oldest)
        return self.first + bisect_right(
            self._events, after, key=lambda event: event.record.revision
        )

    def at(self, position: int) -> Event:
        """The event at a position between `first` and `end`."""
        return self._events[position - self.first]

    async def grown(self) -> None:
        """Wait for the next `wake`."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        await future

    def _forget(self, count: int) -> None:
        self.oldest = self._events[count - 1].record.revision
        del self._events[:count]
        self.first += count


class Watch:
    """The changes of one kind (and scope) after a revision, in order, without end.

    Iterating raises `Overrun` when the watcher was too slow. Nothing needs to be closed.
    """

    def __init__(self, feed: Feed, scope: str | None, after: int, now: Callable[[], int]) -> None:
        self._feed = feed
        self._scope = scope
        self._now = now
        self._position = feed.position(after)
        self._seen = after

    @property
    def revision(self) -> int:
        """A revision up to which this watcher was given everything: what a bookmark may say."""
        self._skip()
        return max(self._seen, self._now()) if self._position == self._feed.end else self._seen

    def __aiter__(self) -> Watch:
        return self

    async def __anext__(self) -> Event:
        while (event := self.take()) is None:
            await self._feed.grown()
        return event

    def take(self) -> Event | None:
        """The next event if it has already happened."""
        self._skip()
        if self._position == self._feed.end:
            return None
        event = self._feed.at(self._position)
        self._position += 1
        self._seen = event.record.revision
        return event

    def _skip(self) -> None:
        """Step over what happened in other scopes."""
        if self._position < self._feed.first:
            raise Overrun(self._seen, self._feed.oldest)
        if self._scope is None:
            return
        while self._position < self._feed.end:
            event = self._feed.at(self._position)
            if event.record.key.scope == self._scope:
                return
            self._position += 1
            self._seen = event.record.revision
