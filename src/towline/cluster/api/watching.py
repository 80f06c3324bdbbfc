"""Watches: what has changed since a revision, told to one client in the client's terms.

A selector turns changes into what the client sees: an object that begins to match is ADDED, one that
ceases to is DELETED.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from towline.cluster.api.address import Address
from towline.cluster.api.page import Selection, is_number, too_large
from towline.kube import refusal
from towline.store.error import Compacted
from towline.store.feed import Watch
from towline.store.record import Change, Event, Record
from towline.store.store import Store

BOOKMARK_EVERY = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell: a change of an object, or (without one) that all up to `revision` is told."""

    type: str
    record: Record | None
    revision: int
    initial_end: bool = False


@dataclass(frozen=True, slots=True)
class WatchWish:
    """How a client wants to be told."""

    selection: Selection
    resource_version: str = ""
    bookmarks: bool = False
    send_initial: bool = False

    @classmethod
    def read(cls, address: Address, query: Mapping[str, str]) -> WatchWish:
        """Take it from the query; raises a 400 refusal."""
        version = query.get("resourceVersion", "")
        if version and not is_number(version):
            raise refusal.bad_request(
                f'Invalid value: "{version}": strconv.ParseUint: invalid syntax'
            )
        initial = query.get("sendInitialEvents")
        if initial == "true" and query.get("resourceVersionMatch") != "NotOlderThan":
            raise refusal.invalid_list_options(
                "resourceVersionMatch",
                "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            )
        return cls(
            Selection.read(address, query),
            version,
            query.get("allowWatchBookmarks") in ("true", "1"),
            initial == "true",
        )


class Watching:
    """One client's watch: made synchronously, so that nothing happens between list and watch."""

    def __init__(self, store: Store, address: Address, wish: WatchWish) -> None:
        self._wish = wish
        kind, scope = address.resource.qualified, address.namespace or None
        self._initial: tuple[Record, ...] = ()
        self.start = store.revision
        if wish.send_initial or wish.resource_version in ("", "0"):
            self._initial = tuple(filter(wish.selection.matches, store.list(kind, scope).records))
        else:
            self.start = int(wish.resource_version)
            if self.start > store.revision:
                raise too_large(self.start, store.revision)
        try:
            self._watch: Watch = store.watch(kind, scope, after=self.start)
        except Compacted as error:
            raise _too_old(error) from None

    def initial(self) -> list[Notice]:
        """What is there already, if the client asked to be told."""
        told = [Notice("ADDED", record, record.revision) for record in self._initial]
        if self._wish.send_initial and self._wish.bookmarks:
            told.append(Notice("BOOKMARK", None, self.start, initial_end=True))
        return told

    @property
    def tells_initial(self) -> bool:
        """Whether `initial` has any object to tell."""
        return bool(self._initial)

    async def changes(self, deadline: float = math.inf) -> AsyncIterator[list[Notice]]:
        """Changes as they happen, several at once when they come fast; raises a 410 refusal.

        When nothing has happened for a while there is a bookmark. `deadline` is a time of the event
        loop: then the watch ends, with a last bookmark.
        """
        now = asyncio.get_running_loop().time
        while now() < deadline:
            try:
                async with asyncio.timeout_at(min(now() + BOOKMARK_EVERY, deadline)):
                    batch = [await anext(self._watch)]
                while len(batch) < 512 and (event := self._watch.take()) is not None:
                    batch.append(event)
            except TimeoutError:
                if self._wish.bookmarks:
                    yield [Notice("BOOKMARK", None, self._watch.revision)]
                continue
            except Compacted as error:
                raise _too_old(error) from None
            notices = [notice for event in batch if (notice := self._notice(event)) is not None]
            if notices:
                yield notices

    def _notice(self, event: Event) -> Notice | None:
        selection = self._wish.selection
        if selection.everything:
            return Notice(event.change.value, event.record, event.record.revision)
        was = event.previous is not None and selection.matches(event.previous)
        gone = event.change is Change.DELETED
        matches = not gone and selection.matches(event.record)
        if not was and not matches:
            return None
        if matches:
            return Notice("MODIFIED" if was else "ADDED", event.record, event.record.revision)
        shown = event.record
        if not gone and event.previous is not None:  # shown as it last matched
            shown = Record(shown.key, event.previous.value, shown.revision, shown.created)
        return Notice("DELETED", shown, shown.revision)


def _too_old(error: Compacted) -> refusal.Refusal:
    return refusal.expired(f"too old resource version: {error.after} ({error.oldest})")
