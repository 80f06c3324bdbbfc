"""A virtual node at the API: there as long as its subnet is, alive as long as its agent is."""

from __future__ import annotations

import asyncio

from tests import virtual_time
from tests.unit.cluster_node.node_world import NODE, SUBNET, World, play, pod

from towline.cluster.kubernetes import Unreachable
from towline.cluster.node.provider import PodIdentity
from towline.cluster.resources import LEASES, NODES
from towline.kube.timestamp import seconds_of


def test_each_subnet_has_a_node_as_tencent_labels_it() -> None:
    """Name, labels, annotation, capacity, conditions, and where its kubelet answers."""

    async def scenario(world: World) -> None:
        await world.until(lambda: is_ready(world))
        node = await world.kubernetes.get(NODES, "", NODE)
        status = node["status"]

        assert node["metadata"]["labels"]["node.kubernetes.io/instance-type"] == "eklet"
        assert node["metadata"]["annotations"] == {"eks.tke.cloud.tencent.com/subnet-id": SUBNET}
        assert status["addresses"] == [{"type": "InternalIP", "address": "127.0.0.1"}]
        assert status["daemonEndpoints"] == {"kubeletEndpoint": {"Port": 10250}}
        assert status["capacity"] == {"cpu": "2", "memory": "4194304Ki", "pods": "500"}
        ready = next(one for one in status["conditions"] if one["type"] == "Ready")
        assert (ready["status"], ready["reason"]) == ("True", "KubeletReady")
        assert status["nodeInfo"]["architecture"] == "amd64"

    play(scenario)


def test_the_lease_is_renewed_every_ten_seconds() -> None:
    """It belongs to the node, and is never older than that."""

    async def scenario(world: World) -> None:
        await world.until(lambda: is_ready(world))
        lease = await world.kubernetes.get(LEASES, "kube-node-lease", NODE)
        for _ in range(20):
            await asyncio.sleep(7)
            lease = await world.kubernetes.get(LEASES, "kube-node-lease", NODE)

            assert virtual_time.clock() - seconds_of(lease["spec"]["renewTime"]) < 10.1
            assert lease["spec"]["leaseDurationSeconds"] == 40
        [owner] = lease["metadata"]["ownerReferences"]
        assert owner["kind"] == "Node"

    play(scenario)


def test_a_node_that_somebody_deletes_is_registered_again() -> None:
    """Within one beat."""

    async def scenario(world: World) -> None:
        await world.until(lambda: is_ready(world))
        await world.kubernetes.delete(NODES, "", NODE)
        await asyncio.sleep(11)

        node = await world.kubernetes.get(NODES, "", NODE)
        assert node["status"]["conditions"]

    play(scenario)


def test_a_node_that_was_called_dead_says_that_it_lives() -> None:
    """After a silence the node life cycle has written Unknown; the node writes True."""

    async def scenario(world: World) -> None:
        await world.until(lambda: is_ready(world))
        dead = {"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown"}
        status = {"status": {"conditions": [dead]}}
        await world.kubernetes.patch(NODES, "", NODE, status, subresource="status")
        await asyncio.sleep(11)

        node = await world.kubernetes.get(NODES, "", NODE)
        ready = next(one for one in node["status"]["conditions"] if one["type"] == "Ready")
        assert ready["status"] == "True"

    play(scenario)


def test_readiness_waits_for_an_api_that_is_not_there_yet() -> None:
    """Agent and API may start in any order."""

    async def scenario(world: World) -> None:
        world.kubernetes.trouble = Unreachable("nobody is there")
        await asyncio.sleep(30)

        assert not world.is_ready
        world.kubernetes.trouble = None
        assert await world.until(lambda: is_ready(world)) < 3

    play(scenario)


def test_a_node_outlives_its_subnet_until_its_last_pod_is_gone() -> None:
    """It takes no new pods, and goes with its lease when it is empty."""

    async def scenario(world: World) -> None:
        await world.apply(pod("a"))
        await world.until_phase("a", "Running")
        world.subnets.become("subnet-b")
        await asyncio.sleep(5)

        nodes = {node["metadata"]["name"]: node for node in world.kubernetes.all(NODES)}
        assert nodes[NODE]["spec"]["unschedulable"]
        assert "unschedulable" not in nodes["eklet-subnet-b"]["spec"]
        await world.remove("a")
        await world.until_gone("a")
        await asyncio.sleep(2)
        assert [node["metadata"]["name"] for node in world.kubernetes.all(NODES)] == [
            "eklet-subnet-b"
        ]
        assert len(world.kubernetes.all(LEASES)) == 1

    play(scenario)


def test_a_subnet_that_comes_back_has_its_node_back() -> None:
    """Whether the old node was still there or not."""

    async def scenario(world: World) -> None:
        await world.apply(pod("a"))
        await world.until_phase("a", "Running")
        world.subnets.become()
        await asyncio.sleep(5)
        world.subnets.become(SUBNET)
        await asyncio.sleep(5)

        assert "unschedulable" not in (await world.kubernetes.get(NODES, "", NODE))["spec"]
        await world.remove("a")
        await world.until_gone("a")
        world.subnets.become()
        await asyncio.sleep(15)
        assert world.kubernetes.all(NODES) == []
        world.subnets.become(SUBNET)
        await asyncio.sleep(5)
        assert len(world.kubernetes.all(NODES)) == 1

    play(scenario)


def test_a_node_that_an_administrator_cordoned_stays_cordoned() -> None:
    """Only what the node itself has closed does it open again."""

    async def scenario(world: World) -> None:
        await world.until(lambda: is_ready(world))
        await world.kubernetes.patch(NODES, "", NODE, {"spec": {"unschedulable": True}})
        await asyncio.sleep(30)

        assert (await world.kubernetes.get(NODES, "", NODE))["spec"]["unschedulable"]

    play(scenario)


def test_a_node_of_a_subnet_that_went_while_no_agent_was_there_is_removed() -> None:
    """A new agent knows the nodes of the old one by their label."""

    async def scenario(world: World) -> None:
        await world.until(lambda: is_ready(world))
        await world.end()
        world.subnets.become()
        world.begin()
        await asyncio.sleep(5)

        assert world.kubernetes.all(NODES) == []
        assert world.is_ready

    play(scenario)


def test_a_node_whose_subnet_is_exhausted_takes_no_pods_until_it_has_room_again() -> None:
    """It says so by a label, a condition with Tencent's reason, and Kubernetes's taint."""

    async def scenario(world: World) -> None:
        await world.until(lambda: is_ready(world))
        foreign = {"key": "a.b/c", "effect": "NoExecute"}
        await world.kubernetes.patch(NODES, "", NODE, {"spec": {"taints": [foreign]}})
        told = list[tuple[str, str, str]]()
        taints = list[list[str]]()
        for free in (3, 0, 1):
            world.subnets.have_left(free)
            await asyncio.sleep(12)
            node = await world.kubernetes.get(NODES, "", NODE)
            [condition] = (
                one for one in node["status"]["conditions"] if one["type"] == "NetworkUnavailable"
            )
            label = node["metadata"]["labels"]["eks.tke.cloud.tencent.com/available-ip-count"]
            told.append((label, condition["status"], condition["reason"]))
            taints.append([one["key"] for one in node["spec"]["taints"]])

        full = "node.kubernetes.io/network-unavailable"
        assert told == [
            ("3", "False", "EKLetHasSufficientSubnetIP"),
            ("0", "True", "EKLetHasInsufficientSubnetIP"),
            ("1", "False", "EKLetHasSufficientSubnetIP"),
        ]
        assert taints == [["a.b/c"], ["a.b/c", full], ["a.b/c"]]

    play(scenario)


def test_exhaustion_is_told_at_once_and_what_is_left_with_the_next_beat() -> None:
    """A hundred pods that come at once do not write the node a hundred times."""

    async def scenario(world: World) -> None:
        await world.until(lambda: is_ready(world))
        await asyncio.sleep(1)
        before = await world.kubernetes.get(NODES, "", NODE)
        world.subnets.have_left(5)
        await asyncio.sleep(1)
        after = await world.kubernetes.get(NODES, "", NODE)
        world.subnets.have_left(0)
        await asyncio.sleep(1)
        full = await world.kubernetes.get(NODES, "", NODE)
        message = [one["message"] for one in full["status"]["conditions"]]

        assert before["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"]
        assert f"eklet node has insufficient IP available of subnet {SUBNET}" in message

    play(scenario)


async def is_ready(world: World) -> bool:
    """Whether the agent has said that it serves."""
    return world.is_ready


def test_what_stands_of_another_clusters_pods_is_left_alone() -> None:
    """This cluster's API does not know them, and they are none of its business."""

    async def scenario(world: World) -> None:
        await world.end()
        for uid, cluster_id in (("theirs", "cls-2"), ("ours", "")):
            identity = PodIdentity(uid, "demo", uid, SUBNET, uid, {}, cluster_id)
            await world.provider.open(identity)
        world.begin()
        await asyncio.sleep(5)

        assert [pod.uid for pod in await world.provider.inventory()] == ["theirs"]

    play(scenario)
