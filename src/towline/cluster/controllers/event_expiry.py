"""Events are kept for an hour after they were last seen, as a Kubernetes API keeps them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from towline.cluster.controllers.control_loop import Copies, Route
from towline.cluster.kubernetes import ApiError, Kubernetes, Object, Resource
from towline.cluster.object_key import ObjectKey, key_of
from towline.cluster.resources import EVENTS
from towline.kube.timestamp import seconds_of

KEPT = 3600.0  # kube-apiserver's --event-ttl


class EventExpiry:
    """Deletes old Events. A real API does it itself and finds nothing left to delete here."""

    def __init__(self, kubernetes: Kubernetes, copies: Copies, clock: Callable[[], float]) -> None:
        self._kubernetes = kubernetes
        self._events = copies[EVENTS]
        self._clock = clock

    def routes(self) -> Mapping[Resource, Route[ObjectKey]]:
        """Events."""
        return {EVENTS: lambda thing: (key_of(thing),)}

    async def reconcile(self, key: ObjectKey) -> float | None:
        """Delete one Event if its time is over, else come back when it is."""
        event = self._events.get(key)
        if event is None:
            return None
        left = _last_seen(event) + KEPT - self._clock()
        if left > 0:
            return left
        options = {"preconditions": {"uid": event["metadata"]["uid"]}}
        try:
            await self._kubernetes.delete(EVENTS, *key, options=options)
        except ApiError as error:
            if error.code not in (404, 409):
                raise
        return None


def _last_seen(event: Object) -> float:
    series = event.get("series") or {}
    times = (
        series.get("lastObservedTime"),
        event.get("lastTimestamp"),
        event.get("eventTime"),
        event["metadata"]["creationTimestamp"],
    )
    return max(seconds_of(time) for time in times if time)
