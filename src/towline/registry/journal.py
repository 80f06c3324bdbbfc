"""The one writer of the registry's database.

All changes go through one thread and one connection. Changes that arrive while a commit is being
synced share the next one, so that many uploads at once cost one sync of the log, not one each. Each
change is a savepoint: one that refuses undoes only itself.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from towline.registry import database

T = TypeVar("T")
Change = Callable[[sqlite3.Connection], T]


class Lasting(Enum):
    """What a change has to survive before its caller hears of it."""

    POWER_CUT = "FULL"
    """Content: the log is synced."""
    CRASH = "NORMAL"
    """What may be asked for again, such as an empty upload: written, but not synced."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    change: Change[Any]
    lasting: Lasting
    answer: asyncio.Future[Any]


_Outcome = tuple[Any, BaseException | None]


class Journal:
    """Applies changes in the order in which they are given. Belongs to one event loop."""

    def __init__(self, path: Path) -> None:
        self._loop = asyncio.get_running_loop()
        self._database = database.writer(path)
        self._thread = ThreadPoolExecutor(1, "registry-journal")
        self._waiting: list[_Waiting] = []
        self._is_busy = False

    async def write(self, change: Change[T], lasting: Lasting = Lasting.POWER_CUT) -> T:
        """Apply a change and return its result once it is as lasting as asked; raises what the
        change raises.

        If the caller is cancelled meanwhile, the change happens all the same.
        """
        answer: asyncio.Future[T] = self._loop.create_future()
        self._waiting.append(_Waiting(change, lasting, answer))
        if not self._is_busy:
            self._start()
        return await answer

    async def close(self) -> None:
        """Finish what was given and let go of the file."""
        while self._is_busy:
            with suppress(sqlite3.Error):
                await self.write(lambda _: None, Lasting.CRASH)
        self._thread.shutdown()
        self._database.close()

    def _start(self) -> None:
        batch, self._waiting, self._is_busy = self._waiting, [], True
        commit = self._loop.run_in_executor(self._thread, self._commit, batch)
        commit.add_done_callback(lambda done: self._finish(batch, done))

    def _finish(self, batch: Sequence[_Waiting], done: asyncio.Future[list[_Outcome]]) -> None:
        failure = done.exception()
        outcomes = [(None, failure)] * len(batch) if failure else done.result()
        for waiting, (result, error) in zip(batch, outcomes, strict=True):
            if waiting.answer.done():
                continue  # the caller was cancelled
            if error is None:
                waiting.answer.set_result(result)
            else:
                waiting.answer.set_exception(error)
        if self._waiting:
            self._start()
        else:
            self._is_busy = False

    def _commit(self, batch: Sequence[_Waiting]) -> list[_Outcome]:
        """Apply a batch as one transaction; in the journal's thread."""
        must_sync = any(waiting.lasting is Lasting.POWER_CUT for waiting in batch)
        lasting = Lasting.POWER_CUT if must_sync else Lasting.CRASH
        self._database.execute(f"PRAGMA synchronous = {lasting.value}")
        self._database.execute("BEGIN IMMEDIATE")
        try:
            outcomes = [self._apply(waiting.change) for waiting in batch]
            self._database.execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise
        return outcomes

    def _apply(self, change: Change[Any]) -> _Outcome:
        self._database.execute("SAVEPOINT change")
        try:
            result = change(self._database)
        except Exception as error:  # noqa: BLE001  # it belongs to the caller, not to the batch
            self._database.execute("ROLLBACK TO change")
            outcome: _Outcome = (None, error)
        else:
            outcome = (result, None)
        self._database.execute("RELEASE change")
        return outcome
