"""What is posted below a pod: its binding to a node, and its eviction."""

from __future__ import annotations

from typing import Any

from towline.cluster.api import codec, stamp
from towline.cluster.api.address import Address, Treatment
from towline.cluster.api.deletion import DeleteOptions, delete
from towline.cluster.api.objects import Objects
from towline.kube import refusal
from towline.store.error import Conflict, NotFound

Object = dict[str, Any]
SUCCESS: Object = {
    "kind": "Status",
    "apiVersion": "v1",
    "metadata": {},
    "status": "Success",
    "code": 201,
}


async def bind(objects: Objects, address: Address, binding: Object, how: Treatment) -> Object:
    """Assign a pod to a node, once; raises refusals."""
    node = (binding.get("target") or {}).get("name", "")
    if not node:
        raise refusal.bad_request("target.name: Required value")
    while True:
        record = objects.record(address)
        pod = codec.decode(record)
        _may_bind(address, pod)
        pod["spec"]["nodeName"] = node
        _set_scheduled(pod)
        if how.dry_run:
            return SUCCESS
        try:
            value = codec.encode(address.resource, pod)
            await objects.store.update(record.key, value, revision=record.revision)
        except Conflict:
            continue
        except NotFound:
            raise refusal.not_found(address.resource, address.name) from None
        return SUCCESS


def _may_bind(address: Address, pod: Object) -> None:
    if pod["metadata"].get("deletionTimestamp"):
        because = f"pod {address.name} is being deleted, cannot be assigned to a host"
        raise refusal.conflict(address.resource, address.name, because)
    if pod["spec"].get("nodeName"):
        because = f'pod {address.name} is already assigned to node "{pod["spec"]["nodeName"]}"'
        raise refusal.conflict(address.resource, address.name, because)


def _set_scheduled(pod: Object) -> None:
    status = pod.setdefault("status", {})
    others = [one for one in status.get("conditions") or () if one["type"] != "PodScheduled"]
    scheduled = {
        "type": "PodScheduled",
        "status": "True",
        "lastProbeTime": None,
        "lastTransitionTime": stamp.timestamp(stamp.now()),
    }
    status["conditions"] = [*others, scheduled]


async def evict(objects: Objects, address: Address, eviction: Object, how: Treatment) -> Object:
    """Delete a pod as `kubectl drain` asks for it. There are no disruption budgets to keep."""
    options = DeleteOptions.read(eviction.get("deleteOptions") or {}, {})
    await delete(objects, address, options, how)
    return SUCCESS
