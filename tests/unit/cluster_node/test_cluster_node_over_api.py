"""The node over the cluster's own API, with its defaults, validation and patches, in real time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.simulated_provider import Script, SimulatedProvider
from tests.unit.cluster_node.node_world import IMAGE, MACHINE, NODE, SUBNET, FixedSubnets, pod

from towline.cluster.api.local import LocalKubernetes
from towline.cluster.kubernetes import Object
from towline.cluster.node.fleet import Fleet
from towline.cluster.node.node_object import Endpoint
from towline.cluster.node.pod_directory import PodDirectory
from towline.cluster.node.virtual_node import Parts
from towline.cluster.resources import EVENTS, NAMESPACES, NODES, PODS, SERVICE_ACCOUNTS
from towline.store.store import Store


@asynccontextmanager
async def node_over(store: Store) -> AsyncIterator[LocalKubernetes]:
    """A node of the cluster that is kept in the store."""
    kubernetes = LocalKubernetes(store)
    for name in ("demo", "kube-node-lease"):
        await kubernetes.create(NAMESPACES, "", named("Namespace", name))
    await kubernetes.create(SERVICE_ACCOUNTS, "demo", named("ServiceAccount", "default"))
    provider = SimulatedProvider(time.time)
    provider.scripts[IMAGE] = Script(pull_seconds=0.0)
    parts = Parts(
        kubernetes=kubernetes,
        provider=provider,
        machine=MACHINE,
        endpoint=Endpoint("127.0.0.1", 10250),
        clock=time.time,
        directory=PodDirectory(),
        subnets=FixedSubnets(SUBNET),
    )
    ready = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(Fleet(parts, FixedSubnets(SUBNET)).run(ready.set))
        await ready.wait()
        yield kubernetes
        running.cancel()


def named(kind: str, name: str) -> Object:
    """An object that is nothing but a name."""
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}}


async def changed_to(kubernetes: LocalKubernetes, phase: str) -> Object:
    """The pod, when it has come to a phase."""
    listing = await kubernetes.list(PODS, "demo")
    held = [item for item in listing.items if item["status"]["phase"] == phase]
    if held:
        return held[0]
    stream = kubernetes.watch(PODS, "demo", resource_version=listing.resource_version)
    async for event in stream:
        if event.object["status"]["phase"] == phase:
            return event.object
    raise AssertionError("the watch ended")


async def test_a_pod_runs_and_its_status_is_written_no_more_often_than_it_changes(
    tmp_path: Path,
) -> None:
    """What the API makes of a status is what the node compares with."""
    async with Store.open(tmp_path / "objects.db") as store, node_over(store) as kubernetes:
        # Tokens are signed by the server that this API lacks.
        await kubernetes.create(PODS, "demo", pod("a", automountServiceAccountToken=False))
        before = await changed_to(kubernetes, "Running")
        noted = {"metadata": {"annotations": {"note": "1"}}}
        after = await kubernetes.patch(PODS, "demo", "a", noted)
        stream = kubernetes.watch(
            PODS, "demo", resource_version=after["metadata"]["resourceVersion"]
        )
        await kubernetes.delete(PODS, "demo", "a")
        marked = await anext(stream)
        types = [marked.type]
        async for event in stream:
            types.append(event.type)
            if event.type == "DELETED":
                break

        assert before["status"]["containerStatuses"][0]["ready"]
        assert marked.object["metadata"]["deletionTimestamp"]
        assert types == ["MODIFIED", "MODIFIED", "DELETED"]
        said = {one["reason"] for one in (await kubernetes.list(EVENTS, "demo")).items}
        assert {"Pulling", "Pulled", "Created", "Started"} <= said


async def test_the_api_takes_the_node_as_it_is(tmp_path: Path) -> None:
    """Nothing of it is refused or changed."""
    async with Store.open(tmp_path / "objects.db") as store, node_over(store) as kubernetes:
        node = await kubernetes.get(NODES, "", NODE)

        assert node["status"]["nodeInfo"]["kubeletVersion"] == "v1.33.0-towline.0.1.0"
        assert {one["type"]: one["status"] for one in node["status"]["conditions"]}[
            "Ready"
        ] == "True"
