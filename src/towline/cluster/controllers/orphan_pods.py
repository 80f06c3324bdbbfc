"""Removes pods whose node is gone for good: nobody is left to end them.

A node that is silent keeps its pods; only one that does not exist any more loses them, after the
time that kube-controller-manager's pod garbage collector gives it to come back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from towline.cluster.controllers.control_loop import Copies, Route
from towline.cluster.kubernetes import ApiError, Kubernetes, Object, Resource
from towline.cluster.object_key import ObjectKey, key_of
from towline.cluster.resources import NODES, PODS

QUARANTINE = 40.0  # seconds; pkg/controller/podgc


class OrphanPods:
    """Deletes pods that are bound to nodes that do not exist; a key is a node's."""

    def __init__(self, kubernetes: Kubernetes, copies: Copies, clock: Callable[[], float]) -> None:
        self._kubernetes = kubernetes
        self._pods = copies[PODS]
        self._nodes = copies[NODES]
        self._clock = clock
        self._missing: dict[ObjectKey, float] = {}

    def routes(self) -> Mapping[Resource, Route[ObjectKey]]:
        """Nodes, and the nodes of pods."""
        return {NODES: lambda thing: (key_of(thing),), PODS: _node_of}

    async def reconcile(self, key: ObjectKey) -> float | None:
        """Delete the pods of one node if it has been missing for long enough."""
        orphans = self._orphans(key)
        if not orphans:
            self._missing.pop(key, None)
            return None
        now = self._clock()
        left = self._missing.setdefault(key, now) + QUARANTINE - now
        if left > 0:
            return left
        if not await self._exists(key):
            for pod in orphans:
                await self._delete(pod)
        return QUARANTINE

    def _orphans(self, node: ObjectKey) -> list[Object]:
        if self._nodes.get(node) is not None:
            return []
        return [one for one in self._pods.list() if node in _node_of(one)]

    async def _exists(self, key: ObjectKey) -> bool:
        try:
            await self._kubernetes.get(NODES, *key)
        except ApiError as error:
            if error.code == 404:
                return False
            raise
        return True

    async def _delete(self, pod: Object) -> None:
        options = {"gracePeriodSeconds": 0, "preconditions": {"uid": pod["metadata"]["uid"]}}
        try:
            await self._kubernetes.delete(PODS, *key_of(pod), options=options)
        except ApiError as error:
            if error.code not in (404, 409):
                raise


def _node_of(pod: Object) -> tuple[ObjectKey, ...]:
    node = pod["spec"].get("nodeName")
    return (ObjectKey("", node),) if node else ()
