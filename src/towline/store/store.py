"""The store: revisioned records in memory, a log that lasts, and watches.

Reads come from memory and never wait. Writes go through one task, the *pump*: all writes that
arrive while the previous commit is being synced go into the next one together, so that many writers
share one fsync. The same task follows what other processes append to the file. Everything becomes
visible (to reads, to watches, to the writer itself) at one moment of the event loop, after it is
durable.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from towline.problem import Problem
from towline.store.error import StoreError
from towline.store.feed import HISTORY, Feed, Watch
from towline.store.log_port import KEEP, Behind, Log
from towline.store.place import Place, open_log
from towline.store.record import Key, Listing, Record
from towline.store.state import State
from towline.store.write import Create, Delete, Draft, Entry, Update, Write

POLL = 0.02  # seconds between two looks at what other processes have written

_Result = tuple[Record, ...] | StoreError
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Retention:
    """How much past is kept: revisions on disk, events per kind in memory."""

    revisions: int = KEEP
    events: int = HISTORY


@dataclass(frozen=True, slots=True)
class _Pending:
    writes: tuple[Write, ...]
    answer: asyncio.Future[tuple[Record, ...]]


class Store:
    """One process's door to the records of a log. Made by `open`; belongs to one event loop."""

    def __init__(self, log: Log, thread: ThreadPoolExecutor, retention: Retention) -> None:
        self._log = log
        self._thread = thread
        self._retention = retention
        self._state = State(0)
        self._oldest = 0
        self._feeds: dict[str, Feed] = {}
        self._queue: list[_Pending] = []
        self._work = asyncio.Event()
        self._closing = False

    @classmethod
    @asynccontextmanager
    async def open(cls, place: Place, retention: Retention | None = None) -> AsyncIterator[Store]:
        """Open (and create) a file or the tables of a database, and keep them open for the length of
        the `async with`.

        Writes still waiting when the block ends are committed first.
        """
        retention = retention or Retention()
        failure: BaseException | None = None
        with ThreadPoolExecutor(1, "store") as thread:
            loop = asyncio.get_running_loop()
            log = await loop.run_in_executor(thread, open_log, place, retention.revisions)
            store = cls(log, thread, retention)
            try:
                await store._load()
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(store._pump())
                    # What the block raises is passed on as it is, not wrapped into the group of the
                    # pump.
                    try:
                        yield store
                    except BaseException as error:  # noqa: BLE001  # raised again below
                        failure = error
                    store._close()
            finally:
                log.close()
        if failure is not None:
            raise failure

    @property
    def revision(self) -> int:
        """The revision that reads show."""
        return self._state.revision

    def get(self, key: Key) -> Record | None:
        """The record under `key`, if there is one."""
        return self._state.get(key)

    def list(self, kind: str, scope: str | None = None) -> Listing:
        """The records of a kind, of one scope or of all, in key order."""
        return Listing(self._state.revision, self._state.list(kind, scope))

    async def create(self, key: Key, value: bytes) -> Record:
        """Store a new record; raises `AlreadyExists`."""
        return (await self.apply([Create(key, value)]))[0]

    async def update(self, key: Key, value: bytes, *, revision: int) -> Record:
        """Replace what `revision` wrote; raises `NotFound` or `Conflict`."""
        return (await self.apply([Update(key, value, revision)]))[0]

    async def delete(self, key: Key, *, revision: int | None = None) -> Record:
        """Remove a record; raises `NotFound`, or `Conflict` when `revision` is given and not the
        present one.

        The answer holds the last value and the revision of the deletion.
        """
        return (await self.apply([Delete(key, revision)]))[0]

    async def apply(self, writes: Sequence[Write]) -> tuple[Record, ...]:
        """Make several writes happen together, or none of them; raises the first refusal.

        Returns when they are durable. If the caller is cancelled meanwhile they may still happen.
        """
        if self._closing:
            raise Problem("store-closed", cause="the store is being closed", remedy="try again")
        answer = asyncio.get_running_loop().create_future()
        self._queue.append(_Pending(tuple(writes), answer))
        self._work.set()
        result: tuple[Record, ...] = await answer
        return result

    def watch(self, kind: str, scope: str | None = None, *, after: int) -> Watch:
        """The changes after a revision; raises `Compacted` when that is too long ago.

        Iterating raises `Overrun` (a `Compacted`) when the watcher does not keep up.
        """
        return Watch(self._feed(kind), scope, after, lambda: self._state.revision)

    def _feed(self, kind: str) -> Feed:
        feed = self._feeds.get(kind)
        if feed is None:
            feed = self._feeds[kind] = Feed(self._oldest, self._retention.events)
        return feed

    async def _load(self) -> None:
        """Read the file; who watched before must list anew."""
        revision, records, entries = await self._in_thread(self._log.load)
        self._oldest = revision
        self._state = State(revision, records)
        for feed in self._feeds.values():
            feed.reset(revision)
        self._happen(entries)

    def _happen(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self._feed(entry.record.key.kind).append(self._state.apply(entry))
        for kind in {entry.record.key.kind for entry in entries}:
            self._feed(kind).wake()

    async def _pump(self) -> None:
        while not (self._closing and not self._queue):
            await self._work_or_poll()
            pending, self._queue = self._queue, []
            if pending:
                await self._commit(pending)
            elif self._log.changed():
                await self._follow()

    async def _work_or_poll(self) -> None:
        if not self._queue and not self._closing:
            self._work.clear()
            try:
                async with asyncio.timeout(POLL):
                    await self._work.wait()
            except TimeoutError:
                pass

    def _close(self) -> None:
        self._closing = True
        self._work.set()

    async def _commit(self, pending: Sequence[_Pending]) -> None:
        try:
            entries, results = await self._in_thread(lambda: self._decide(pending))
        except Behind:
            await self._load()
            await self._commit(pending)
        except self._log.failure as error:
            _refuse(pending, self._log.remedy, error)
        else:
            self._happen(entries)
            for one, result in zip(pending, results, strict=True):
                _answer(one.answer, result)

    def _decide(self, pending: Sequence[_Pending]) -> tuple[Sequence[Entry], Sequence[_Result]]:
        """Commit, in the log's thread. The loop only reads the state meanwhile, as this does."""
        drafted: Draft | None = None
        results: Sequence[_Result] = ()
        tail: Sequence[Entry] = ()

        def decide(others: Sequence[Entry]) -> Sequence[Entry]:
            nonlocal results, tail, drafted
            drafted, tail = Draft(self._state.get, self._state.revision), others
            drafted.learn(others)
            results = tuple(drafted.add(one.writes) for one in pending)
            return drafted.entries

        self._log.append(decide)
        return (*tail, *(drafted.entries if drafted else ())), results

    async def _follow(self) -> None:
        try:
            self._happen(await self._in_thread(self._log.tail))
        except Behind:
            await self._load()

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _answer(answer: asyncio.Future[tuple[Record, ...]], result: _Result) -> None:
    if answer.done():
        return  # the writer was cancelled; its write has happened all the same
    if isinstance(result, StoreError):
        answer.set_exception(result)
    else:
        answer.set_result(result)


def _refuse(pending: Sequence[_Pending], remedy: str, error: Exception) -> None:
    for one in pending:
        if not one.answer.done():
            problem = Problem(
                "store-unwritable",
                cause=f"a record could not be written: {error}",
                remedy=remedy,
            )
            problem.__cause__ = error
            one.answer.set_exception(problem)
