"""Keeps one node known to the API: created when it is missing, its status true, its lease fresh."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from towline.cluster.kubernetes import ApiError, Kubernetes, Object
from towline.cluster.node.node_object import (
    LEASE_NAMESPACE,
    Conditions,
    Endpoint,
    Machine,
    is_current,
    lease_object,
    node_name,
    node_object,
    node_status,
)
from towline.cluster.node.room import marking, network_condition
from towline.cluster.resources import LEASES, NODES
from towline.kube.timestamp import seconds_of, to_microsecond

REPORT_EVERY = 300.0  # seconds, the kubelet's nodeStatusReportFrequency
RETIRED = "towline.dev/subnet-gone"
"""On a node: it takes no new pods because its subnet is gone, and not because somebody said so."""
_NOT_FOUND = 404

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Identity:
    """Which node it is, and where it answers."""

    subnet_id: str
    machine: Machine
    endpoint: Endpoint


class Registration:
    """One node at the API. Every method raises `ApiError`, and may be called again."""

    def __init__(
        self, kubernetes: Kubernetes, identity: Identity, clock: Callable[[], float]
    ) -> None:
        self.name = node_name(identity.subnet_id)
        self._kubernetes = kubernetes
        self._identity = identity
        self._clock = clock

    async def keep(self, *, schedulable: bool, free: int | None = None) -> None:
        """Make the API's node what it should be, and renew its lease.

        `free` is how many addresses its subnet has left, if that is known.
        """
        node = await self._ensure()
        if free is not None:
            node = await self._mark(node, free)
        await self._report(node, free)
        if bool(node["spec"].get("unschedulable")) and schedulable and _is_retired(node):
            await self._retire(node, retired=False)
        if not schedulable and not node["spec"].get("unschedulable"):
            await self._retire(node, retired=True)
        await self._renew(node["metadata"]["uid"])

    async def remove(self) -> None:
        """Take the node and its lease away."""
        for resource, namespace in ((NODES, ""), (LEASES, LEASE_NAMESPACE)):
            try:
                await self._kubernetes.delete(resource, namespace, self.name)
            except ApiError as error:
                if error.code != _NOT_FOUND:
                    raise

    async def _ensure(self) -> Object:
        try:
            return await self._kubernetes.get(NODES, "", self.name)
        except ApiError as error:
            if error.code != _NOT_FOUND:
                raise
        _log.info("node registered", node=self.name)
        wanted = node_object(self._identity.subnet_id, self._identity.machine)
        return await self._kubernetes.create(NODES, "", wanted)

    async def _mark(self, node: Object, free: int) -> Object:
        """Show how many addresses are left; the node as it is then."""
        body = marking(node, free)
        return await self._kubernetes.patch(NODES, "", self.name, body) if body else node

    async def _report(self, node: Object, free: int | None) -> None:
        held, now = node.get("status") or {}, self._clock()
        conditions = held.get("conditions") or []
        room = () if free is None else (network_condition(self._identity.subnet_id, free),)
        told = Conditions(conditions, now, room)
        wanted = node_status(self._identity.machine, self._identity.endpoint, told)
        if is_current(wanted, held) and now - _last_report(conditions) < REPORT_EVERY:
            return
        metadata = {
            "uid": node["metadata"]["uid"],
            "resourceVersion": node["metadata"]["resourceVersion"],
        }
        body = {"metadata": metadata, "status": wanted}
        await self._kubernetes.patch(NODES, "", self.name, body, subresource="status")

    async def _retire(self, node: Object, *, retired: bool) -> None:
        """Let no new pods come, or let them come again; who did it is written beside it."""
        body = {
            "metadata": {
                "uid": node["metadata"]["uid"],
                "annotations": {RETIRED: "true" if retired else None},
            },
            "spec": {"unschedulable": True if retired else None},
        }
        await self._kubernetes.patch(NODES, "", self.name, body)

    async def _renew(self, node_uid: str) -> None:
        now = self._clock()
        try:
            renewal = {"spec": {"holderIdentity": self.name, "renewTime": to_microsecond(now)}}
            await self._kubernetes.patch(LEASES, LEASE_NAMESPACE, self.name, renewal)
        except ApiError as error:
            if error.code != _NOT_FOUND:
                raise
            lease = lease_object(self.name, node_uid, now)
            await self._kubernetes.create(LEASES, LEASE_NAMESPACE, lease)


def _is_retired(node: Object) -> bool:
    return RETIRED in (node["metadata"].get("annotations") or {})


def _last_report(conditions: list[Object]) -> float:
    times = [one["lastHeartbeatTime"] for one in conditions if one.get("lastHeartbeatTime")]
    return max((seconds_of(time) for time in times), default=0.0)
