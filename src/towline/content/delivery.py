"""One layer, brought from its source to its place in the store.

It goes on with what an earlier download has left. When the bytes then have another digest, that may
be the fault of what was left (the machine may have stopped before it reached the disk) or of a
registry that gives wrong parts: it begins again, once, from nothing and in one piece.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from towline.content.fetch import Cancelled, Fetch, Habits
from towline.content.hands import Hands
from towline.content.intake import Intake, Order
from towline.content.opener import Opener
from towline.content.partial import PartialLayers
from towline.content.pulse import Pulse
from towline.content.room import Room
from towline.content.spans import Spans
from towline.pull.failure import ContentTooShort, CopyBroken, DigestDiffers, Failed, Place
from towline.pull.layers import Layer, Receipt

_BEATS = 20  # how often a download is looked at while its patience lasts
_CUT = (ContentTooShort, CopyBroken)


@dataclass(frozen=True, slots=True)
class Means:
    """What all deliveries of a store share."""

    partial: PartialLayers
    room: Room
    threads: Executor
    hands: Hands
    habits: Habits
    largest: int


class Delivery:
    """Brings one layer; `take` leaves a sealed file at `path`, which the store then gives its name."""

    def __init__(self, layer: Layer, opener: Opener, means: Means) -> None:
        self._layer = layer
        self._opener = opener
        self._means = means
        self.path = means.partial.file(layer.descriptor.digest)

    async def take(self, report: Callable[[int], None]) -> Receipt:
        """Raises `Failed`; what has come of a download that was cut is kept."""
        spans = self._means.partial.spans(self._layer.descriptor)
        fetch = self._fetch(spans, self._means.habits)
        try:
            return await self._attempt(spans, fetch, report)
        except Failed as failed:
            doubtful = spans.kept or fetch.parted
            if not doubtful or not isinstance(failed.failure.cause, DigestDiffers):
                raise
        spans = self._means.partial.spans(self._layer.descriptor)
        whole = replace(self._means.habits, connections=1)
        return await self._attempt(spans, self._fetch(spans, whole), report)

    def _fetch(self, spans: Spans, habits: Habits) -> Fetch:
        return Fetch(self._layer.descriptor, self._opener, spans, habits)

    async def _attempt(self, spans: Spans, fetch: Fetch, report: Callable[[int], None]) -> Receipt:
        descriptor, room = self._layer.descriptor, self._means.room

        def note(have: int) -> None:
            room.note(descriptor, have)
            report(have)

        order = Order(self._layer, note, self.path, self._means.largest)
        intake = Intake(order, fetch, self._means.hands)
        try:
            with room.promised(descriptor, spans.kept):
                await self._run(intake, fetch)
        except Failed as failed:
            if not _is_cut(failed):
                spans.remove()
            raise
        finally:
            spans.close()
        spans.remove()
        return Receipt(fetch.arrived, spans.kept, intake.stages)

    async def _run(self, intake: Intake, fetch: Fetch) -> None:
        """Run it in a thread; when we are cancelled, it is stopped and waited for first."""
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(self._means.threads, intake.run)
        try:
            await self._watch(running, fetch)
        except asyncio.CancelledError:
            intake.cancel()
            self._opener.cancel()
            with contextlib.suppress(Exception):
                await asyncio.shield(running)
            raise
        except Cancelled as error:
            raise asyncio.CancelledError from error

    async def _watch(self, running: asyncio.Future[None], fetch: Fetch) -> None:
        """Wait for it, and have it try another connection when one brings too little."""
        habits = self._means.habits
        pulse = Pulse(habits.slowest, habits.patience)
        while not running.done():
            await asyncio.wait([running], timeout=habits.patience / _BEATS)
            if not fetch.is_waiting:
                pulse.rest()
            elif pulse.is_weak(fetch.arrived, time.monotonic()):
                fetch.nudge()
        await running


def _is_cut(failed: Failed) -> bool:
    """Whether it was the network that failed, so that what has come is worth keeping."""
    return failed.failure.place is Place.FETCH or isinstance(failed.failure.cause, _CUT)
