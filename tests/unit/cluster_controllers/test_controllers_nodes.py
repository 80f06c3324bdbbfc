"""Nodes that fall silent, pods whose node is gone, and events that grow old."""

from __future__ import annotations

from typing import Any

from tests.unit.cluster_controllers.cluster import HOUR, Cluster, cluster, settle
from tests.virtual_time import clock, run

from towline.cluster.kubernetes import Object
from towline.cluster.resources import EVENTS, LEASES, NODES, PODS
from towline.kube.timestamp import to_second

NODE = "eklet-subnet-1"


async def _node(held: Cluster) -> tuple[str, list[str]]:
    """The node's Ready condition and the keys of its taints."""
    node = await held.kubernetes.get(NODES, "", NODE)
    [ready] = [one for one in node["status"]["conditions"] if one["type"] == "Ready"]
    return ready["status"], [one["key"] for one in node["spec"].get("taints") or ()]


async def _run_a_pod(held: Cluster) -> Object:
    spec = {"containers": [{"name": "main", "image": "one"}]}
    await held.kubernetes.create(PODS, "demo", {"metadata": {"name": "p"}, "spec": spec})
    await settle(5)
    return await held.kubernetes.get(PODS, "demo", "p")


def test_a_node_whose_lease_is_silent_is_not_ready_and_keeps_its_pods() -> None:
    """Containers outlive the agent: nothing is deleted, however long it takes."""

    async def scenario() -> None:
        async with cluster() as held:
            pod = await _run_a_pod(held)
            held.node.is_silent = True
            await settle(35)
            early = await _node(held)
            await settle(10)
            late = await _node(held)
            node = await held.kubernetes.get(NODES, "", NODE)
            await settle(HOUR)

            assert early == ("True", [])
            assert late == ("Unknown", ["node.kubernetes.io/unreachable"])
            [ready] = node["status"]["conditions"]
            assert ready["reason"] == "NodeStatusUnknown"
            assert ready["message"] == "Kubelet stopped posting node status."
            assert (await held.kubernetes.get(PODS, "demo", "p"))["metadata"]["uid"] == (
                pod["metadata"]["uid"]
            )

    run(scenario())


def test_a_silent_node_gets_no_new_pods_until_it_is_heard_of_again() -> None:
    """The agent says Ready itself; the taint goes with it."""

    async def scenario() -> None:
        async with cluster() as held:
            await settle(5)
            held.node.is_silent = True
            await settle(60)
            pod = await _run_a_pod(held)
            said = held.said("NodeNotReady")
            held.node.is_silent = False
            await settle(5)

            assert "nodeName" not in pod["spec"]
            assert said == [f"Node {NODE} status is now: NodeNotReady"]
            assert await _node(held) == ("True", [])
            assert (await held.kubernetes.get(PODS, "demo", "p"))["status"]["phase"] == "Running"

    run(scenario())


def test_taints_of_others_are_kept() -> None:
    """Only the two that speak of readiness are the controller's."""

    async def scenario() -> None:
        async with cluster() as held:
            await settle(5)
            taints = [{"key": "gpu", "effect": "NoSchedule"}]
            await held.kubernetes.patch(NODES, "", NODE, {"spec": {"taints": taints}})
            held.node.is_silent = True
            await settle(60)
            silent = await _node(held)
            held.node.is_silent = False
            await settle(5)

            assert silent == ("Unknown", ["gpu", "node.kubernetes.io/unreachable"])
            assert await _node(held) == ("True", ["gpu"])

    run(scenario())


def test_restarted_controllers_give_a_node_its_time_before_they_judge_it() -> None:
    """They cannot know how long it has been silent, and must not think the worst."""

    async def scenario() -> None:
        async with cluster() as held:
            await settle(5)
            held.node.is_silent = True
            await settle(30)
            await held.restart_controllers()
            await settle(30)
            early = await _node(held)
            await settle(15)

            assert early[0] == "True"
            assert (await _node(held))[0] == "Unknown"

    run(scenario())


def test_pods_of_a_node_that_is_gone_are_removed_after_a_while() -> None:
    """Nobody else could end them."""

    async def scenario() -> None:
        async with cluster() as held:
            await _run_a_pod(held)
            held.node.is_silent = True
            await held.kubernetes.delete(NODES, "", NODE)
            await settle(35)
            early = len(held.kubernetes.all(PODS))
            await settle(10)

            assert (early, len(held.kubernetes.all(PODS))) == (1, 0)

    run(scenario())


def test_a_node_that_comes_back_in_time_keeps_its_pods() -> None:
    """Somebody deleted the object, and the agent made it again."""

    async def scenario() -> None:
        async with cluster() as held:
            await _run_a_pod(held)
            await held.kubernetes.delete(NODES, "", NODE)
            await held.kubernetes.delete(LEASES, "kube-node-lease", NODE)
            await settle(120)

            assert len(held.kubernetes.all(PODS)) == 1

    run(scenario())


def test_an_event_is_kept_for_an_hour_after_it_was_last_seen() -> None:
    """A count that goes up keeps it longer."""

    async def scenario() -> None:
        async with cluster(pace=30) as held:
            for name in ("once", "again"):
                await held.kubernetes.create(EVENTS, "demo", _event(name))
            await settle(0.9 * HOUR)
            seen: dict[str, Any] = {"count": 2, "lastTimestamp": to_second(clock())}
            await held.kubernetes.patch(EVENTS, "demo", "again", seen)
            await settle(0.2 * HOUR)
            first = _events(held)
            await settle(HOUR)

            assert first == {"again"}
            assert _events(held) == set()

    run(scenario())


def _event(name: str) -> Object:
    return {
        "metadata": {"name": name},
        "involvedObject": {"kind": "Pod", "name": "p"},
        "reason": "Test",
        "lastTimestamp": to_second(clock()),
    }


def _events(held: Cluster) -> set[str]:
    return {
        one["metadata"]["name"] for one in held.kubernetes.all(EVENTS) if one["reason"] == "Test"
    }
