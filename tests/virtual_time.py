"""Time for tests: an event loop that never waits. When nothing can run, its clock jumps ahead.

A test of a week's back-off takes milliseconds and gives the same order of events every time.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

EPOCH = 1_767_323_045.0  # 2026-01-02T03:04:05Z

T = TypeVar("T")


class _Selector(selectors.DefaultSelector):
    """Looks at real descriptors without waiting, and lets the loop's time pass instead."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if not found:
            if timeout is None:
                raise AssertionError("everything waits and no timer is set: it would hang for good")
            self.passed += timeout
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop whose time is virtual."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """Seconds since the loop began, all of them skipped."""
        return self._virtual.passed


def clock() -> float:
    """The wall clock of the running virtual loop, in seconds since the epoch."""
    return EPOCH + asyncio.get_running_loop().time()


def run(scenario: Coroutine[Any, Any, T]) -> T:
    """Run a scenario to its end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(scenario)
