"""How a cluster's pods end when the cluster does.

Nothing makes pods or binds them any more by then. Those that are on nodes are told to end; their
nodes, which the agent has given no subnet to be for any more, leave when they are empty.
"""

from __future__ import annotations

import asyncio

from towline.cluster.kubernetes import ApiError, Kubernetes, Object
from towline.cluster.node.node_object import OWNED_LABEL
from towline.cluster.resources import NODES, PODS

_GRACE = 1  # seconds for the containers of a pod whose cluster is being deleted
_PAUSE = 0.2  # seconds between two looks


async def end_pods(kubernetes: Kubernetes) -> None:
    """Return when no virtual node is left, and so no pod on one."""
    nodes = {"labelSelector": OWNED_LABEL}
    while (await kubernetes.list(NODES, selectors=nodes)).items:
        for pod in (await kubernetes.list(PODS)).items:
            if "deletionTimestamp" not in pod["metadata"]:
                await _end(kubernetes, pod)
        await asyncio.sleep(_PAUSE)


async def _end(kubernetes: Kubernetes, pod: Object) -> None:
    metadata, options = pod["metadata"], {"gracePeriodSeconds": _GRACE}
    try:
        await kubernetes.delete(PODS, metadata["namespace"], metadata["name"], options=options)
    except ApiError as error:
        if error.code != 404:
            raise
