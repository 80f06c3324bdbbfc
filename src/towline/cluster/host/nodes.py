"""Between a cluster's virtual nodes and its record: which are ready, and which are to be drained."""

from __future__ import annotations

import asyncio
from functools import partial

import msgspec

from towline.cluster.kubernetes import ApiError, Kubernetes, Object
from towline.cluster.node.node_object import SUBNET_ANNOTATION, node_name
from towline.cluster.reflector import Reflector, Selection
from towline.cluster.resources import NODES, PODS
from towline.resource.cluster import Cluster
from towline.store.collection import Collection

_GONE = 404


async def tell_ready_nodes(
    kubernetes: Kubernetes, clusters: Collection[Cluster], cluster_id: str
) -> None:
    """Keep in the record for which subnets there is a node that takes pods, until cancelled."""
    nodes, changed = Reflector(kubernetes, Selection(NODES)), asyncio.Event()
    nodes.listen(lambda *_: changed.set())
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(nodes.run())
        await nodes.synced.wait()
        while True:
            changed.clear()
            ready = tuple(sorted(filter(None, map(_ready_subnet, nodes.list()))))
            await clusters.update("", cluster_id, partial(_with_ready, ready))
            await changed.wait()


async def drain_nodes(
    kubernetes: Kubernetes, clusters: Collection[Cluster], cluster_id: str
) -> None:
    """Drain the nodes that the record names, as `kubectl drain` does, until cancelled."""
    async for held in clusters.follow():
        for subnet_id in next((one.draining for one in held if one.id == cluster_id), ()):
            await _drain(kubernetes, node_name(subnet_id))
            await clusters.update("", cluster_id, partial(_without_drain, subnet_id))


def _ready_subnet(node: Object) -> str:
    conditions = (node.get("status") or {}).get("conditions") or ()
    is_ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    annotations = node["metadata"].get("annotations") or {}
    return str(annotations.get(SUBNET_ANNOTATION, "")) if is_ready else ""


async def _drain(kubernetes: Kubernetes, node: str) -> None:
    """Let no new pods come, and have those go that are there. A node that is gone is drained."""
    try:
        await kubernetes.patch(NODES, "", node, {"spec": {"unschedulable": True}})
        pods = await kubernetes.list(PODS, selectors={"fieldSelector": f"spec.nodeName={node}"})
        for pod in pods.items:
            await _evict(kubernetes, pod)
    except ApiError as error:
        if error.code != _GONE:
            raise


async def _evict(kubernetes: Kubernetes, pod: Object) -> None:
    metadata = pod["metadata"]
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
    }
    try:
        await kubernetes.create(
            PODS, metadata["namespace"], eviction, subresource="eviction", name=metadata["name"]
        )
    except ApiError as error:
        if error.code != _GONE:
            raise


def _with_ready(ready: tuple[str, ...], held: Cluster) -> Cluster:
    return msgspec.structs.replace(held, ready=ready)


def _without_drain(subnet_id: str, held: Cluster) -> Cluster:
    left = tuple(one for one in held.draining if one != subnet_id)
    return msgspec.structs.replace(held, draining=left)
