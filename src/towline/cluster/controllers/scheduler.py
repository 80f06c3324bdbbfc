"""Scheduler: binds every pod that has no node to one that may take it, where the fewest pods are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from towline.cluster.controllers.control_loop import Copies, Route
from towline.cluster.controllers.node_fit import Misfit, misfit, no_fit_message
from towline.cluster.controllers.occupancy import Occupancy
from towline.cluster.controllers.ownership import is_being_deleted
from towline.cluster.controllers.status_patch import with_condition
from towline.cluster.event_recorder import EventRecorder
from towline.cluster.kubernetes import ApiError, Kubernetes, Object, Resource
from towline.cluster.object_key import ObjectKey, key_of
from towline.cluster.resources import NODES, PODS
from towline.kube.event import EventType, Happening, ObjectReference
from towline.kube.timestamp import to_second

NAME = "default-scheduler"  # pods may ask for another one, which is then not ours to bind
LOOK_AGAIN = 300.0  # seconds; kube-scheduler tries pods again after five minutes at the latest


class Scheduler:
    """Binds pods to nodes."""

    def __init__(
        self,
        kubernetes: Kubernetes,
        copies: Copies,
        events: EventRecorder,
        clock: Callable[[], float],
    ) -> None:
        self._kubernetes = kubernetes
        self._pods = copies[PODS]
        self._nodes = copies[NODES]
        self._occupancy = Occupancy(copies[PODS])
        self._events = events
        self._clock = clock
        self._waiting: set[ObjectKey] = set()

    def routes(self) -> Mapping[Resource, Route[ObjectKey]]:
        """Pods without a node; and those that wait, when a node changes or a pod makes room."""
        return {PODS: self._concerned_by_pod, NODES: lambda _: tuple(self._waiting)}

    async def reconcile(self, key: ObjectKey) -> float | None:
        """Bind one pod, or say why it cannot be."""
        pod = self._pods.get(key)
        if pod is None or not _is_unbound(pod):
            self._waiting.discard(key)
            return None
        if node := self._choose(pod):
            self._waiting.discard(key)
            await self._bind(pod, node)
            return None
        self._waiting.add(key)
        await self._say_no(pod)
        return LOOK_AGAIN

    def _concerned_by_pod(self, pod: Object) -> tuple[ObjectKey, ...]:
        if _is_unbound(pod):
            return (key_of(pod),)
        ended = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
        return tuple(self._waiting) if ended or is_being_deleted(pod) else ()

    def _choose(self, pod: Object) -> str | None:
        fit = [one["metadata"]["name"] for one in self._nodes.list() if not self._misfit(pod, one)]
        return min(fit, key=self._crowd, default=None)

    def _crowd(self, node: str) -> tuple[Decimal, str]:
        return self._occupancy.used(node).get("pods", Decimal()), node

    def _misfit(self, pod: Object, node: Object) -> Misfit | None:
        if is_being_deleted(node):
            return Misfit(("node(s) were unschedulable",))
        return misfit(pod, node, self._occupancy.used(node["metadata"]["name"]))

    async def _bind(self, pod: Object, node: str) -> None:
        namespace, name = key_of(pod)
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": name, "namespace": namespace, "uid": pod["metadata"]["uid"]},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        }
        self._occupancy.take(pod, node)
        try:
            await self._kubernetes.create(
                PODS, namespace, binding, subresource="binding", name=name
            )
        except ApiError as error:
            self._occupancy.leave(pod)
            if error.code in (404, 409):  # gone, or bound by somebody else
                return
            raise
        message = f"Successfully assigned {namespace}/{name} to {node}"
        self._say(pod, EventType.NORMAL, "Scheduled", message)

    async def _say_no(self, pod: Object) -> None:
        misfits = [found for one in self._nodes.list() if (found := self._misfit(pod, one))]
        message = no_fit_message(misfits)
        held = (pod.get("status") or {}).get("conditions") or []
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": message,
        }
        conditions = with_condition(held, condition, to_second(self._clock()))
        if conditions == held:
            return
        self._say(pod, EventType.WARNING, "FailedScheduling", message)
        metadata = pod["metadata"]
        body = {
            "metadata": {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]},
            "status": {"conditions": conditions},
        }
        written = await self._kubernetes.patch(PODS, *key_of(pod), body, subresource="status")
        self._pods.learn(written)

    def _say(self, pod: Object, type: EventType, reason: str, message: str) -> None:  # noqa: A002
        self._events.record(Happening(ObjectReference.to(pod), type, reason, message))


def _is_unbound(pod: Object) -> bool:
    spec = pod["spec"]
    ours = spec.get("schedulerName", NAME) == NAME and not spec.get("schedulingGates")
    return ours and not spec.get("nodeName") and not is_being_deleted(pod)
