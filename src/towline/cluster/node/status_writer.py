"""Keeps one pod's status at the API as the node has it: written when it differs, and until it is taken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import structlog

from towline.cluster.kubernetes import ApiError, Kubernetes, Unreachable
from towline.cluster.node.pod_status import differs
from towline.cluster.resources import PODS
from towline.kube.pod import Pod

Object = dict[str, Any]
_PAUSE = 1.0  # seconds before a write that failed is tried again
_GONE, _CONFLICT = 404, 409

_log = structlog.get_logger()


class StatusWriter:
    """Writes the status of one pod; `learn` is handed what the API answers."""

    def __init__(self, kubernetes: Kubernetes, learn: Callable[[Object], None]) -> None:
        self._kubernetes = kubernetes
        self._learn = learn
        self._wanted: tuple[Pod, Object] | None = None
        self._changed = asyncio.Event()
        self._settled = asyncio.Event()
        self._settled.set()

    def offer(self, pod: Pod, status: Object) -> None:
        """This is the status of this pod now; it is written soon unless the API has it."""
        self._wanted = pod, status
        if differs(status, pod.status):
            self._settled.clear()
            self._changed.set()
        else:
            self._settled.set()

    async def settled(self) -> None:
        """Wait until the API has what was offered last, or will not have it."""
        await self._settled.wait()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            if self._wanted is None:
                continue
            pod, status = self._wanted
            if not differs(status, pod.status):
                continue
            try:
                await self._write(pod, status)
            except ApiError as error:
                await self._refused(pod, error)

    async def _write(self, pod: Pod, status: Object) -> None:
        metadata = pod.metadata
        preconditions = {"uid": metadata.uid, "resourceVersion": metadata.resource_version}
        body = {"metadata": preconditions, "status": status}
        answer = await self._kubernetes.patch(
            PODS, metadata.namespace, metadata.name, body, subresource="status"
        )
        if self._wanted is not None and self._wanted[1] is status:
            self._settled.set()
        self._learn(answer)

    async def _refused(self, pod: Pod, error: ApiError) -> None:
        """A conflict is a newer pod, which is fetched; trouble passes; all else is given up."""
        metadata = pod.metadata
        if error.code == _CONFLICT:
            await self._catch_up(pod)
            return
        if isinstance(error, Unreachable) or error.code >= 500:
            await asyncio.sleep(_PAUSE)
            self._changed.set()
            return
        self._settled.set()
        if error.code != _GONE:
            _log.warning("status refused", pod=metadata.name, error=error.message)

    async def _catch_up(self, pod: Pod) -> None:
        try:
            found = await self._kubernetes.get(PODS, pod.metadata.namespace, pod.metadata.name)
        except ApiError:
            await asyncio.sleep(_PAUSE)
            self._changed.set()
            return
        if found["metadata"]["uid"] != pod.metadata.uid:
            self._settled.set()
            return
        self._learn(found)
        await self._wait_for_offer()

    async def _wait_for_offer(self) -> None:
        """What was learnt makes the worker offer anew; what was offered before would conflict again."""
        try:
            async with asyncio.timeout(_PAUSE):
                await self._changed.wait()
        except TimeoutError:
            self._changed.set()
