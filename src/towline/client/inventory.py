"""How much there is of everything, asked of both public doors: the cloud's and the cluster's.

Who does not answer in time counts nothing: a status must be told also when a role is down.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from pathlib import Path

from towline.client.cloud_access import open_cloud
from towline.client.cloud_network import Networks
from towline.client.cloud_registry import Registries
from towline.cluster.kubernetes import ApiError, Resource
from towline.cluster.kubernetes_http import HttpKubernetes
from towline.problem import Problem

_DEADLINE = 2.0  # seconds for each of the two

_NODES = Resource("", "v1", "nodes")
_PODS = Resource("", "v1", "pods")

Counts = Mapping[str, int]


async def count(kubeconfig: Path) -> Counts:
    """Instances, VPCs, subnets, nodes, pods, and the pods that are Running."""
    async with asyncio.TaskGroup() as tasks:
        cloud = tasks.create_task(_or_nothing(_of_cloud()))
        cluster = tasks.create_task(_or_nothing(_of_cluster(kubeconfig)))
    return {**cloud.result(), **cluster.result()}


async def _or_nothing(question: Awaitable[Counts]) -> Counts:
    try:
        async with asyncio.timeout(_DEADLINE):
            return await question
    except (Problem, ApiError, TimeoutError):
        return {}


async def _of_cloud() -> Counts:
    client = open_cloud()
    networks = Networks(client)
    return {
        "instances": len(await Registries(client).instances()),
        "vpcs": len(await networks.vpcs()),
        "subnets": len(await networks.subnets()),
    }


async def _of_cluster(kubeconfig: Path) -> Counts:
    async with HttpKubernetes.from_kubeconfig(kubeconfig) as kubernetes:
        nodes = (await kubernetes.list(_NODES)).items
        pods = (await kubernetes.list(_PODS)).items
    running = sum(pod.get("status", {}).get("phase") == "Running" for pod in pods)
    return {"nodes": len(nodes), "pods": len(pods), "podsRunning": running}
