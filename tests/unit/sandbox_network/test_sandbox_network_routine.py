"""Work that follows the records: after every change, and again when it failed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from towline.problem import Problem
from towline.sandbox.network.routine import Routine
from towline.store.record import Key
from towline.store.store import Store


@asynccontextmanager
async def running(routine: Routine) -> AsyncIterator[None]:
    """A routine at work for the length of the block."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(routine.run())
        yield
        task.cancel()


class Work:
    """Counts, and fails as it is told."""

    def __init__(self, failures: Iterator[Exception | None]) -> None:
        self.times = 0
        self._failures = failures
        self._done = asyncio.Condition()

    async def __call__(self) -> None:
        """The work."""
        async with self._done:
            self.times += 1
            self._done.notify_all()
        failure = next(self._failures, None)
        if failure is not None:
            raise failure

    async def done(self, times: int) -> None:
        """Wait until it was done so often."""
        async with asyncio.timeout(10), self._done:
            await self._done.wait_for(lambda: self.times >= times)


async def test_every_change_is_worked_on_also_one_before_the_start(tmp_path: Path) -> None:
    """What changes between the first work and the routine's start is not lost."""
    async with Store.open(tmp_path / "records.db") as store:
        work = Work(iter(()))
        routine = Routine(store, ["vpc", "link"], work)
        await store.create(Key("vpc", "", "early"), b"1")
        async with running(routine):
            await work.done(1)
            await store.create(Key("link", "", "late"), b"1")
            await work.done(2)
            await store.create(Key("other", "", "foreign"), b"1")
            await asyncio.sleep(0)

    assert work.times == 2


async def test_what_the_machine_refuses_is_tried_again(tmp_path: Path) -> None:
    """Without a further change, whatever kind of refusal it was."""
    refusals = [Problem("refused", cause="no", remedy="wait"), OSError("busy")]
    async with Store.open(tmp_path / "records.db") as store:
        work, bell = Work(iter(refusals)), asyncio.Event()
        async with running(Routine(store, [], work, bell)):
            bell.set()
            await work.done(3)

    assert work.times == 3


async def test_work_is_done_from_time_to_time_without_a_change(tmp_path: Path) -> None:
    """Others may have touched what was made."""
    async with Store.open(tmp_path / "records.db") as store:
        work = Work(iter(()))
        async with running(Routine(store, [], work, period=0.01)):
            await work.done(3)

    assert work.times >= 3
