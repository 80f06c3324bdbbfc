"""An agent's virtual nodes of one cluster: one for each subnet that its pods may be in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from towline.cluster.kubernetes import ApiError, Object, Resource
from towline.cluster.node.node_object import OWNED_LABEL, SUBNET_ANNOTATION
from towline.cluster.node.settings import Subnets
from towline.cluster.node.virtual_node import Parts, VirtualNode
from towline.cluster.resources import NODES, PODS
from towline.problem import Problem

_PAUSE = 0.2  # seconds between tries to reach the API at the beginning
_CLOSE_AGAIN = 10.0  # seconds until something that would not go is removed again

_log = structlog.get_logger()


class Fleet:
    """The nodes."""

    def __init__(self, parts: Parts, subnets: Subnets) -> None:
        self._parts = parts
        self._subnets = subnets
        self._nodes: dict[str, VirtualNode] = {}
        self._wanted: frozenset[str] = frozenset()

    async def run(self, ready: Callable[[], None]) -> None:
        """Be all nodes until cancelled; `ready` is called when the first ones are registered."""
        left = await self._take_stock()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._remove_orphans())
            is_first = True
            async for wanted in self._subnets.watch():
                self._wanted = wanted
                for subnet_id in sorted(wanted | left):
                    self._begin(tasks, subnet_id)
                left = frozenset()
                for subnet_id, node in self._nodes.items():
                    if subnet_id in wanted:
                        node.keep()
                    else:
                        node.retire()
                if is_first:
                    is_first = False
                    tasks.create_task(self._announce(ready))

    async def _take_stock(self) -> frozenset[str]:
        """See what stands of this cluster's pods, and the subnets of nodes that an earlier process
        registered.
        """
        for pod in await self._parts.provider.inventory():
            if pod.cluster_id == self._parts.cluster_id:
                self._parts.directory.leave(pod)
        nodes = await self._list(NODES, {"labelSelector": OWNED_LABEL})
        annotations = [node["metadata"].get("annotations") or {} for node in nodes]
        return frozenset(one[SUBNET_ANNOTATION] for one in annotations if SUBNET_ANNOTATION in one)

    def _begin(self, tasks: asyncio.TaskGroup, subnet_id: str) -> None:
        if subnet_id not in self._nodes:
            node = self._nodes[subnet_id] = VirtualNode(self._parts, subnet_id)
            tasks.create_task(self._run(tasks, subnet_id, node))

    async def _run(self, tasks: asyncio.TaskGroup, subnet_id: str, node: VirtualNode) -> None:
        await node.run()
        _log.info("node removed", node=node.name)
        del self._nodes[subnet_id]
        if subnet_id in self._wanted:  # it came back while its node was on its way out
            self._begin(tasks, subnet_id)

    async def _announce(self, ready: Callable[[], None]) -> None:
        for subnet_id in self._wanted:
            if node := self._nodes.get(subnet_id):
                await node.registered.wait()
        ready()

    async def _remove_orphans(self) -> None:
        """Remove what stands of pods that the API does not know any more."""
        standing = frozenset(self._parts.directory.unclaimed)
        pods = await self._list(PODS, {})
        known = {pod["metadata"]["uid"] for pod in pods}
        for uid in sorted(standing - known):
            _log.info("removing what is left of a pod", uid=uid)
            self._parts.directory.take(uid)
            await self._close(uid)

    async def _list(self, resource: Resource, selectors: dict[str, str]) -> tuple[Object, ...]:
        """What the API has; it may take a while until there is one."""
        while True:
            try:
                found = await self._parts.kubernetes.list(resource, selectors=selectors)
            except ApiError:
                await asyncio.sleep(_PAUSE)
            else:
                return found.items

    async def _close(self, uid: str) -> None:
        while True:
            try:
                await self._parts.provider.close(uid)
            except Problem as problem:
                _log.warning("pod not removed", uid=uid, cause=problem.cause)
                await asyncio.sleep(_CLOSE_AGAIN)
            else:
                return
