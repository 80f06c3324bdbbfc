"""Notices that a pull makes no headway."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from towline.pull.progress import Tally

PATIENCE = 5.0  # seconds without a byte
TICK = 0.5


class PullWatch:
    """Calls once when no byte has come for `PATIENCE`: from the beginning, or after the last one.

    Bytes that have all come are unpacked in silence, which is no standstill.
    """

    def __init__(self, tally: Tally, call: Callable[[], None]) -> None:
        self._tally = tally
        self._call = call
        self._loop = asyncio.get_running_loop()
        self._have = 0
        self._since = self._loop.time()
        self._timer = self._loop.call_later(TICK, self._tick)

    def end(self) -> None:
        """Watch no longer."""
        self._timer.cancel()

    def _tick(self) -> None:
        now, have = self._loop.time(), self._tally.have
        unpacks = 0 < self._tally.wanted <= have
        if have != self._have or unpacks:
            self._have, self._since = have, now
        if now - self._since >= PATIENCE:
            self._call()
            return
        self._timer = self._loop.call_later(TICK, self._tick)
