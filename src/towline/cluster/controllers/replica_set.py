"""ReplicaSet: keeps the wanted number of pods with one template.

The copy of the pods lags behind, so that a pod may look alive whose deletion was accepted a moment
ago. It is remembered as leaving until the copy shows it; otherwise the next look would count it, and
send another one away in its place. What was made is learnt at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from towline.cluster.controllers.control_loop import Copies, Route
from towline.cluster.controllers.ownership import (
    adopt,
    can_adopt,
    controller_key,
    controls,
    is_being_deleted,
    may_adopt,
    owner_reference,
    release,
)
from towline.cluster.controllers.pod_rank import available_in, is_active, is_ready, sacrifice_order
from towline.cluster.controllers.status_patch import (
    status_patch,
    with_condition,
    without_condition,
)
from towline.cluster.event_recorder import EventRecorder
from towline.cluster.kubernetes import ApiError, Kubernetes, Object, Resource
from towline.cluster.object_key import ObjectKey, key_of
from towline.cluster.resources import PODS, REPLICA_SETS
from towline.kube.event import EventType, Happening, ObjectReference
from towline.kube.selector import LabelSelector, from_object
from towline.kube.timestamp import to_second

BURST = 100  # pods made or removed in one step
_FIRST_BATCH = 1  # pods made before it is known whether they can be made at all; then doubled


@dataclass(frozen=True, slots=True)
class _ReplicaFailure:
    """Why the number of pods could not be brought nearer."""

    reason: str
    error: ApiError


class ReplicaSetController:
    """Makes and removes pods, and counts them in the status."""

    def __init__(
        self,
        kubernetes: Kubernetes,
        copies: Copies,
        events: EventRecorder,
        clock: Callable[[], float],
    ) -> None:
        self._kubernetes = kubernetes
        self._sets = copies[REPLICA_SETS]
        self._pods = copies[PODS]
        self._events = events
        self._clock = clock
        self._leaving: set[str] = set()  # uids of pods whose deletion was accepted
        self._pods.listen(self._forget_departed)

    def routes(self) -> Mapping[Resource, Route[ObjectKey]]:
        """Own changes, and those of the pods."""
        return {REPLICA_SETS: lambda thing: (key_of(thing),), PODS: self._sets_of_pod}

    async def reconcile(self, key: ObjectKey) -> float | None:
        """Bring the number of pods nearer to what is asked."""
        wanted = self._sets.get(key)
        if wanted is None:
            return None
        failure, pods = None, await self._claim(wanted)
        surplus = len(pods) - _replicas(wanted)
        if not is_being_deleted(wanted):
            failure = await self._scale(wanted, pods)
        if surplus:
            pods = tuple(pod for pod in self._active(wanted) if controls(wanted, pod))
        reason = "FailedCreate" if surplus < 0 else "FailedDelete"
        await self._publish(wanted, pods, _ReplicaFailure(reason, failure) if failure else None)
        if failure:
            raise failure
        return self._next_availability(wanted, pods)

    def _sets_of_pod(self, pod: Object) -> tuple[ObjectKey, ...]:
        owners = controller_key(pod, "ReplicaSet")
        if owners or pod["metadata"].get("ownerReferences"):
            return owners
        labels = pod["metadata"].get("labels") or {}
        namespace = pod["metadata"]["namespace"]
        return tuple(
            key_of(one) for one in self._sets.list(namespace) if _selector(one).matches(labels)
        )

    def _active(self, wanted: Object) -> list[Object]:
        pods = self._pods.list(wanted["metadata"]["namespace"])
        return [pod for pod in pods if is_active(pod) and _uid(pod) not in self._leaving]

    def _forget_departed(self, before: Object | None, after: Object | None) -> None:
        if before and (_uid(before) != _uid(after) or not is_active(before)):
            self._leaving.discard(before["metadata"]["uid"])

    async def _claim(self, wanted: Object) -> tuple[Object, ...]:
        """The active pods that are ours, after taking over strays and letting go of strangers."""
        selector, mine = _selector(wanted), list[Object]()
        for pod in self._active(wanted):
            if controls(wanted, pod):
                if selector.matches(pod["metadata"].get("labels") or {}):
                    mine.append(pod)
                elif not is_being_deleted(wanted):
                    self._pods.learn(await release(self._kubernetes, PODS, wanted, pod))
            elif may_adopt(wanted, pod, selector) and await can_adopt(
                self._kubernetes, REPLICA_SETS, wanted
            ):
                adopted = await adopt(self._kubernetes, PODS, wanted, pod)
                self._pods.learn(adopted)
                mine.append(adopted)
        return tuple(mine)

    async def _scale(self, wanted: Object, pods: Sequence[Object]) -> ApiError | None:
        missing = min(_replicas(wanted) - len(pods), BURST)
        if missing < 0:
            victims = sorted(pods, key=sacrifice_order)[: min(-missing, BURST)]
            return _first(await asyncio.gather(*(self._remove(wanted, pod) for pod in victims)))
        batch = _FIRST_BATCH
        while missing > 0:
            batch = min(batch, missing)
            made = await asyncio.gather(*(self._make(wanted) for _ in range(batch)))
            if failure := _first(made):
                return failure
            missing, batch = missing - batch, batch * 2
        return None

    async def _make(self, wanted: Object) -> ApiError | None:
        try:
            pod = await self._kubernetes.create(
                PODS, wanted["metadata"]["namespace"], pod_of(wanted)
            )
        except ApiError as error:
            self._say(wanted, EventType.WARNING, "FailedCreate", f"Error creating: {error}")
            return error
        self._pods.learn(pod)
        name = pod["metadata"]["name"]
        self._say(wanted, EventType.NORMAL, "SuccessfulCreate", f"Created pod: {name}")
        return None

    async def _remove(self, wanted: Object, pod: Object) -> ApiError | None:
        options = {"preconditions": {"uid": pod["metadata"]["uid"]}}
        try:
            await self._kubernetes.delete(PODS, *key_of(pod), options=options)
        except ApiError as error:
            if error.code == 404:
                return None
            self._say(wanted, EventType.WARNING, "FailedDelete", f"Error deleting: {error}")
            return error
        if _uid(self._pods.get(key_of(pod))) == _uid(pod):
            self._leaving.add(pod["metadata"]["uid"])
        name = pod["metadata"]["name"]
        self._say(wanted, EventType.NORMAL, "SuccessfulDelete", f"Deleted pod: {name}")
        return None

    async def _publish(
        self, wanted: Object, pods: Sequence[Object], failure: _ReplicaFailure | None
    ) -> None:
        held, now = wanted.get("status") or {}, self._clock()
        conditions = _conditions(held.get("conditions") or [], failure, to_second(now))
        status = {**_counts(wanted, pods, now), "conditions": conditions}
        patch = status_patch(held, status, always=("replicas",))
        if not patch:
            return
        body = {"metadata": {"uid": wanted["metadata"]["uid"]}, "status": patch}
        written = await self._kubernetes.patch(
            REPLICA_SETS, *key_of(wanted), body, subresource="status"
        )
        self._sets.learn(written)

    def _next_availability(self, wanted: Object, pods: Sequence[Object]) -> float | None:
        min_ready, now = wanted["spec"].get("minReadySeconds", 0), self._clock()
        if not min_ready:
            return None
        waits = (available_in(pod, min_ready, now) for pod in pods)
        return min((wait for wait in waits if wait), default=None)

    def _say(self, wanted: Object, type: EventType, reason: str, message: str) -> None:  # noqa: A002
        self._events.record(Happening(ObjectReference.to(wanted), type, reason, message))


def pod_of(wanted: Object) -> Object:
    """The pod that a workload's template asks for."""
    template = wanted["spec"]["template"]
    metadata = template.get("metadata") or {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": f"{wanted['metadata']['name']}-",
            "labels": metadata.get("labels") or {},
            "annotations": metadata.get("annotations") or {},
            "finalizers": metadata.get("finalizers") or [],
            "ownerReferences": [owner_reference(wanted)],
        },
        "spec": template["spec"],
    }


def _uid(thing: Object | None) -> str | None:
    return thing["metadata"]["uid"] if thing else None


def _selector(wanted: Object) -> LabelSelector:
    return from_object(wanted["spec"]["selector"])


def _replicas(wanted: Object) -> int:
    replicas = wanted["spec"].get("replicas")
    return 1 if replicas is None else int(replicas)


def _first(results: Sequence[ApiError | None]) -> ApiError | None:
    return next((result for result in results if result), None)


def _counts(wanted: Object, pods: Sequence[Object], now: float) -> dict[str, Any]:
    template = from_object(
        {"matchLabels": (wanted["spec"]["template"].get("metadata") or {}).get("labels")}
    )
    min_ready = wanted["spec"].get("minReadySeconds", 0)
    return {
        "replicas": len(pods),
        "fullyLabeledReplicas": sum(
            template.matches(pod["metadata"].get("labels") or {}) for pod in pods
        ),
        "readyReplicas": sum(is_ready(pod) for pod in pods),
        "availableReplicas": sum(available_in(pod, min_ready, now) == 0 for pod in pods),
        "observedGeneration": wanted["metadata"].get("generation", 0),
    }


def _conditions(held: list[Object], failure: _ReplicaFailure | None, now: str) -> list[Object]:
    if failure is None:
        return without_condition(held, "ReplicaFailure")
    failed = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": failure.reason,
        "message": failure.error.message,
    }
    return with_condition(held, failed, now)
