"""An agent's virtual nodes of one cluster: starts what they need, and runs until cancelled."""

from __future__ import annotations

import time
from collections.abc import Callable

from towline.cluster.kubernetes import Kubernetes
from towline.cluster.node.diagnosing import Examiner
from towline.cluster.node.fleet import Fleet
from towline.cluster.node.kubelet_server import KubeletServer
from towline.cluster.node.machine import this_machine
from towline.cluster.node.node_object import Endpoint
from towline.cluster.node.pod_directory import PodDirectory
from towline.cluster.node.provider import Provider
from towline.cluster.node.settings import NodeSettings, Subnets
from towline.cluster.node.virtual_node import Parts


async def serve(
    kubernetes: Kubernetes,
    provider: Provider,
    subnets: Subnets,
    settings: NodeSettings,
    ready: Callable[[], None],
) -> None:
    """Serve until cancelled; `ready` is called when the first nodes are registered."""
    directory = PodDirectory()
    examiner = Examiner(kubernetes, provider)
    server = KubeletServer(directory, provider, examiner, time.time)
    async with server.listening(settings) as port:
        parts = Parts(
            kubernetes=kubernetes,
            provider=provider,
            machine=this_machine(),
            endpoint=Endpoint(settings.address, port),
            clock=time.time,
            directory=directory,
            subnets=subnets,
            cluster_id=settings.cluster_id,
        )
        await Fleet(parts, subnets).run(ready)
