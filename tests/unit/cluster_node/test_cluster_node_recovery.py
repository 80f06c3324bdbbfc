"""What a node makes of the world after it was killed, cut off or contradicted."""

from __future__ import annotations

import asyncio

import pytest
from tests.unit.cluster_node.node_world import (
    IMAGE,
    World,
    container,
    ends,
    play,
    pod,
)

from towline.cluster.kubernetes import Unreachable
from towline.cluster.resources import PODS


def test_an_agent_that_was_killed_finds_its_containers_running() -> None:
    """They are neither restarted nor lost, and the status stays as it was."""

    async def scenario(world: World) -> None:
        world.provider.scripts["registry.example/job:1"] = ends(0, after=20)
        await world.apply(pod("a", container(), container("job", "registry.example/job:1")))
        await world.until_phase("a", "Running")
        await world.end()
        before = (await world.pod("a"))["status"]
        world.begin()
        await asyncio.sleep(5)

        assert len(world.provider.starts) == 2
        assert (await world.pod("a"))["status"] == before

    play(scenario)


def test_what_ended_while_no_agent_was_there_is_noticed_afterwards() -> None:
    """The job is Succeeded although nobody saw its end; the deleted pod is removed."""

    async def scenario(world: World) -> None:
        world.provider.scripts["registry.example/job:1"] = ends(0, after=20)
        await world.apply(
            pod("job", container("job", "registry.example/job:1"), restartPolicy="Never")
        )
        await world.apply(pod("gone"))
        await world.until_phase("gone", "Running")
        await world.until_phase("job", "Running")
        await world.end()
        await world.remove("gone", gracePeriodSeconds=0)
        await asyncio.sleep(60)
        world.begin()
        await world.until_phase("job", "Succeeded")
        await asyncio.sleep(1)

        assert [held.identity.name for held in world.provider.pods.values()] == ["job"]

    play(scenario)


@pytest.mark.parametrize(
    ("policy", "phase"),
    [pytest.param("Always", "Running", id="always"), pytest.param("Never", "Failed", id="never")],
)
def test_containers_that_the_machine_has_lost_are_counted_as_ended(policy: str, phase: str) -> None:
    """After a power cut pods run again with one restart more, or have failed, as their policy says."""

    async def scenario(world: World) -> None:
        created = await world.apply(pod("a", restartPolicy=policy))
        await world.until_phase("a", "Running")
        await world.end()
        world.provider.lose(created["metadata"]["uid"])
        world.begin()
        await asyncio.sleep(30)
        pod_now = await world.pod("a")
        status = pod_now["status"]["containerStatuses"][0]

        assert pod_now["status"]["phase"] == phase
        lost = status["lastState"] if policy == "Always" else status["state"]
        assert lost["terminated"]["reason"] == "ContainerStatusUnknown"
        assert status["restartCount"] == (1 if policy == "Always" else 0)

    play(scenario)


def test_edits_of_annotations_do_not_reach_the_sandbox() -> None:
    """What counts is what stood there when the pod was opened."""

    async def scenario(world: World) -> None:
        created = await world.apply(pod("a", metadata={"annotations": {"x": "1"}}))
        await world.until_phase("a", "Running")
        await world.kubernetes.patch(PODS, "demo", "a", {"metadata": {"annotations": {"x": "2"}}})
        await asyncio.sleep(1)
        await world.end()
        world.begin()
        await asyncio.sleep(2)

        held = world.provider.pods[created["metadata"]["uid"]]
        assert held.identity.annotations == {"x": "1"}

    play(scenario)


def test_while_the_api_does_not_answer_pods_go_on_and_are_told_of_later() -> None:
    """Nothing of what happened meanwhile is lost."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = ends(0, after=10)
        await world.apply(pod("a", restartPolicy="Never"))
        await world.until_phase("a", "Running")
        world.kubernetes.trouble = Unreachable("nobody is there")
        await asyncio.sleep(60)
        world.kubernetes.trouble = None
        took = await world.until_phase("a", "Succeeded")

        assert took < 10

    play(scenario)


def test_somebody_elses_words_in_a_status_are_kept_and_ours_restored() -> None:
    """Foreign conditions stay; a status that somebody overwrote is written again."""

    async def scenario(world: World) -> None:
        await world.apply(pod("a"))
        await world.until_phase("a", "Running")
        foreign = {"type": "example.com/Checked", "status": "True"}
        status = (await world.pod("a"))["status"]
        wrong = {"status": {"phase": "Pending", "conditions": [*status["conditions"], foreign]}}
        await world.kubernetes.patch(PODS, "demo", "a", wrong, subresource="status")
        await asyncio.sleep(2)

        assert (await world.pod("a"))["status"]["phase"] == "Running"
        assert (await world.condition("a", "example.com/Checked"))["status"] == "True"

    play(scenario)


def test_a_defect_that_one_pod_trips_ends_neither_the_node_nor_the_other_pods() -> None:
    """Its own work is begun anew, with what stands of it."""

    async def scenario(world: World) -> None:
        await world.apply(pod("well"))
        await world.until_phase("well", "Running")
        world.provider.defects = [ValueError("a defect"), KeyError("another")]
        await world.apply(pod("unlucky", container(), container("db", "registry.example/db:1")))
        await world.until_phase("unlucky", "Running")

        assert len(world.provider.starts) == 3
        assert (await world.status("well"))["restartCount"] == 0

    play(scenario)


def test_a_pod_that_goes_after_its_work_failed_is_removed() -> None:
    """The worker that follows knows that the API has forgotten it."""

    async def scenario(world: World) -> None:
        world.provider.defects = [ValueError("a defect")]
        await world.apply(pod("a"))
        await asyncio.sleep(2)
        await world.remove("a", gracePeriodSeconds=0)
        await asyncio.sleep(20)

        assert world.provider.pods == {}
        assert world.provider.starts == []

    play(scenario)
