"""Node life cycle: a node that has not renewed its lease for a while is not ready.

Its pods stay: containers outlive the agent that started them, and go on when it comes back. Whether
a lease was renewed is judged by seeing it change, not by comparing clocks of two machines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from towline.cluster.controllers.control_loop import Copies, Route
from towline.cluster.controllers.node_fit import NOT_READY, UNREACHABLE, taint_by_readiness
from towline.cluster.controllers.status_patch import with_condition
from towline.cluster.event_recorder import EventRecorder
from towline.cluster.kubernetes import Kubernetes, Object, Resource
from towline.cluster.object_key import ObjectKey, key_of
from towline.cluster.resources import LEASES, NODES
from towline.kube.event import EventType, Happening, ObjectReference
from towline.kube.timestamp import to_second

GRACE = 40.0  # seconds of silence; kube-controller-manager's --node-monitor-grace-period
LEASE_NAMESPACE = "kube-node-lease"


@dataclass(frozen=True, slots=True)
class _Heard:
    renewed: str
    at: float


class NodeHealth:
    """Marks nodes that went silent, and keeps new pods off those that are not ready."""

    def __init__(
        self,
        kubernetes: Kubernetes,
        copies: Copies,
        events: EventRecorder,
        clock: Callable[[], float],
    ) -> None:
        self._kubernetes = kubernetes
        self._nodes = copies[NODES]
        self._leases = copies[LEASES]
        self._events = events
        self._clock = clock
        self._heard: dict[ObjectKey, _Heard] = {}

    def routes(self) -> Mapping[Resource, Route[ObjectKey]]:
        """Nodes and their leases."""
        return {NODES: lambda thing: (key_of(thing),), LEASES: _node_of_lease}

    async def reconcile(self, key: ObjectKey) -> float | None:
        """Judge one node; the time until its silence has lasted too long."""
        node = self._nodes.get(key)
        if node is None:
            self._heard.pop(key, None)
            return None
        left = self._listen(node) + GRACE - self._clock()
        if left <= 0:
            node = await self._mark_silent(node)
        await self._taint(node)
        return left if left > 0 else None

    def _listen(self, node: Object) -> float:
        """When the node was last heard of."""
        key = key_of(node)
        lease = self._leases.get(ObjectKey(LEASE_NAMESPACE, key.name)) or {}
        ready = _ready(node) or {}
        renewed = f"{(lease.get('spec') or {}).get('renewTime')} {ready.get('lastHeartbeatTime')}"
        heard = self._heard.get(key)
        if heard is None or heard.renewed != renewed:
            heard = self._heard[key] = _Heard(renewed, self._clock())
        return heard.at

    async def _mark_silent(self, node: Object) -> Object:
        ready = _ready(node)
        if ready is not None and ready.get("status") == "Unknown":
            return node
        condition = {
            "type": "Ready",
            "status": "Unknown",
            "reason": "NodeStatusUnknown",
            "message": "Kubelet stopped posting node status.",
            "lastHeartbeatTime": (ready or {}).get("lastHeartbeatTime"),
        }
        held = (node.get("status") or {}).get("conditions") or []
        conditions = with_condition(held, condition, to_second(self._clock()))
        written = await self._patch(node, {"status": {"conditions": conditions}}, "status")
        name = node["metadata"]["name"]
        message = f"Node {name} status is now: NodeNotReady"
        about = ObjectReference.to(node)
        self._events.record(Happening(about, EventType.NORMAL, "NodeNotReady", message))
        return written

    async def _taint(self, node: Object) -> None:
        held = list((node.get("spec") or {}).get("taints") or ())
        others = [one for one in held if one.get("key") not in (NOT_READY, UNREACHABLE)]
        due = taint_by_readiness(node)
        had = {one.get("key") for one in held} - {one.get("key") for one in others}
        if had != ({due["key"]} if due else set()):
            await self._patch(node, {"spec": {"taints": [*others, due] if due else others}})

    async def _patch(self, node: Object, body: Object, subresource: str = "") -> Object:
        """Write on the condition that nobody wrote meanwhile: the lists are replaced whole."""
        metadata = node["metadata"]
        condition = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
        written = await self._kubernetes.patch(
            NODES, *key_of(node), {"metadata": condition, **body}, subresource=subresource
        )
        self._nodes.learn(written)
        return written


def _node_of_lease(lease: Object) -> tuple[ObjectKey, ...]:
    namespace, name = key_of(lease)
    return (ObjectKey("", name),) if namespace == LEASE_NAMESPACE else ()


def _ready(node: Object) -> Object | None:
    conditions = (node.get("status") or {}).get("conditions") or ()
    return next((one for one in conditions if one.get("type") == "Ready"), None)
