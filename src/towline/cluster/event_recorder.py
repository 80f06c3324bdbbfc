"""Writes what happened as Events, in order, without making anybody wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count

import structlog

from towline.cluster.event_correlation import EventCorrelator, Sighting
from towline.cluster.kubernetes import ApiError, Kubernetes, Unreachable
from towline.cluster.resources import EVENTS
from towline.kube.event import MAX_MESSAGE, EventSource, Happening, event_object
from towline.kube.timestamp import to_second

WAITING = 1000  # client-go's queue length; what comes beyond it is lost
TRIES, PAUSE = 12, 10.0  # client-go's, for a server that does not answer

_log = structlog.get_logger()


class EventRecorder:
    """One source's voice. `record` may be called at any time; `run` does the writing."""

    def __init__(
        self, kubernetes: Kubernetes, source: EventSource, clock: Callable[[], float]
    ) -> None:
        self._kubernetes = kubernetes
        self._source = source
        self._clock = clock
        self._correlator = EventCorrelator()
        self._names: dict[Happening, str] = {}
        self._serial = count()
        self._queue: asyncio.Queue[tuple[Happening, float]] = asyncio.Queue(WAITING)

    def record(self, happening: Happening) -> None:
        """Write it soon."""
        try:
            self._queue.put_nowait((happening, self._clock()))
        except asyncio.QueueFull:
            _log.warning("event lost", reason=happening.reason, message=happening.message)

    async def run(self) -> None:
        """Write what is recorded until cancelled."""
        while True:
            happening, now = await self._queue.get()
            await self.write(happening, now)

    async def write(self, happening: Happening, now: float) -> None:
        """Write one Event now; what the API refuses is logged and dropped."""
        sighting = self._correlator.see(happening, now)
        if sighting is None:
            return
        for _ in range(TRIES):
            try:
                await self._write(sighting, now)
            except Unreachable:
                await asyncio.sleep(PAUSE)
            except ApiError as error:
                # A namespace that is being deleted takes no new events: no harm done.
                _log.debug("event refused", reason=happening.reason, error=error.message)
                return
            else:
                return

    async def _write(self, sighting: Sighting, now: float) -> None:
        name = self._names.get(sighting.key)
        if sighting.count == 1 or name is None:
            await self._create(sighting, now)
            return
        try:
            await self._raise_count(sighting, name, now)
        except Unreachable:
            raise
        except ApiError as error:
            if error.code != 404:
                raise
            await self._create(sighting, now)

    async def _create(self, sighting: Sighting, now: float) -> None:
        happening = sighting.happening
        name = f"{happening.about.name}.{int(now * 1e9) + next(self._serial):x}"
        body = event_object(happening, self._source, name, now)
        body["count"] = sighting.count
        await self._kubernetes.create(EVENTS, happening.namespace, body)
        self._names[sighting.key] = name
        while len(self._names) > WAITING * 4:
            self._names.pop(next(iter(self._names)))

    async def _raise_count(self, sighting: Sighting, name: str, now: float) -> None:
        body = {
            "count": sighting.count,
            "lastTimestamp": to_second(now),
            "message": sighting.happening.message[:MAX_MESSAGE],
        }
        await self._kubernetes.patch(EVENTS, sighting.happening.namespace, name, body)
