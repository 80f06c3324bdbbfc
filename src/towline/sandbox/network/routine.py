"""Work that is done again after every change of some records, and from time to time.

The work looks at everything and does what is missing, so it does not matter how many changes it
answers at once, or that one was forgotten when the process ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress

import structlog

from towline.problem import Problem
from towline.store.error import Compacted, StoreError
from towline.store.store import Store

_log = structlog.get_logger("towline.network")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 30.0  # seconds before what failed is tried again


class Routine:
    """One piece of work, never twice at the same time.

    Changes since the making of this object count. `bell` may be rung by others, too.
    """

    def __init__(
        self,
        store: Store,
        kinds: Collection[str],
        work: Callable[[], Awaitable[None]],
        bell: asyncio.Event | None = None,
        period: float = 60.0,
    ) -> None:
        self._store = store
        self._kinds = kinds
        self._work = work
        self._bell = bell or asyncio.Event()
        self._period = period
        self._after = store.revision

    async def run(self) -> None:
        """Work until cancelled. What the machine refuses is told to the log and tried again."""
        async with asyncio.TaskGroup() as tasks:
            for kind in self._kinds:
                tasks.create_task(self._listen(kind))
            tasks.create_task(self._go_on())

    async def _listen(self, kind: str) -> None:
        after = self._after
        while True:
            with suppress(Compacted):
                async for _ in self._store.watch(kind, after=after):
                    self._bell.set()
            self._bell.set()
            after = self._store.revision

    async def _go_on(self) -> None:
        pause, failures = self._period, 0
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._bell.wait()
            self._bell.clear()
            failures = 0 if await self._is_done() else failures + 1
            pause = min(_FIRST_PAUSE * 2.0 ** min(failures, 10), _LONGEST_PAUSE)
            pause = pause if failures else self._period

    async def _is_done(self) -> bool:
        try:
            await self._work()
        except Problem as problem:
            _log.warning(problem.code, cause=problem.cause, remedy=problem.remedy)
        except (OSError, StoreError) as error:
            _log.warning("network-work-failed", error=repr(error))
        else:
            return True
        return False
