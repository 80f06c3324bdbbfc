"""How pods end: deleted, by force, in time, or because they are done."""

from __future__ import annotations

import asyncio

from tests.simulated_provider import Life, Script
from tests.unit.cluster_node.node_world import (
    IMAGE,
    World,
    container,
    ends,
    play,
    pod,
)

from towline.cluster.kubernetes import ApiError
from towline.cluster.resources import PODS


def test_a_pod_that_has_succeeded_says_that_it_is_completed() -> None:
    """Its containers keep their end, and it is ready no more."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = ends(0)
        await world.apply(pod("a", restartPolicy="Never"))
        await world.until_phase("a", "Succeeded")

        assert (await world.status("a"))["state"]["terminated"]["reason"] == "Completed"
        assert (await world.condition("a", "Ready"))["reason"] == "PodCompleted"
        await world.remove("a", gracePeriodSeconds=0)
        await world.until_gone("a")
        await asyncio.sleep(1)
        assert not world.provider.pods

    play(scenario)


def test_deleting_gives_the_containers_their_time_and_then_removes_everything() -> None:
    """SIGTERM with what is left of the grace period, a last status, then the API forgets the pod."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = Script(lives=(Life(deaf=True),))
        await world.apply(pod("a"))
        await world.until_phase("a", "Running")
        await world.remove("a", gracePeriodSeconds=20)
        took = await world.until_gone("a")

        assert 20 <= took < 21
        assert world.provider.pods == {}
        killing = world.events("a")[-1]
        assert (killing.reason, killing.message) == ("Killing", "Stopping container web")

    play(scenario)


def test_a_shorter_grace_period_hurries_a_deletion_that_is_under_way() -> None:
    """The second `kubectl delete --grace-period=1` counts, without a second event."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = Script(lives=(Life(deaf=True),))
        await world.apply(pod("a"))
        await world.until_phase("a", "Running")
        await world.remove("a", gracePeriodSeconds=300)
        await asyncio.sleep(5)
        await world.remove("a", gracePeriodSeconds=1)
        took = await world.until_gone("a")

        assert took < 4
        assert world.reasons("a").count("Killing") == 1

    play(scenario)


def test_a_deletion_hurries_a_container_that_is_being_restarted() -> None:
    """It was given thirty seconds to be replaced; now it has two."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = Script(lives=(Life(deaf=True),))
        await world.apply(pod("a"))
        await world.until_phase("a", "Running")
        newer = {"spec": {"containers": [container(image="registry.example/web:2")]}}
        await world.kubernetes.patch(PODS, "demo", "a", newer)
        await asyncio.sleep(1)
        await world.remove("a", gracePeriodSeconds=2)

        assert await world.until_gone("a") < 3

    play(scenario)


def test_a_pod_that_is_deleted_by_force_is_stopped_all_the_same() -> None:
    """The API has forgotten it; the node has not."""

    async def scenario(world: World) -> None:
        await world.apply(pod("a"))
        await world.until_phase("a", "Running")
        await world.remove("a", gracePeriodSeconds=0)
        await asyncio.sleep(2)

        assert world.provider.running() == []
        assert world.provider.pods == {}

    play(scenario)


def test_a_pod_that_is_deleted_while_its_image_is_pulled_goes_at_once() -> None:
    """The pull is given up; nothing is started any more."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = Script(pull_seconds=600)
        await world.apply(pod("a"))
        await asyncio.sleep(3)
        await world.remove("a")
        took = await world.until_gone("a")

        assert took < 2
        assert world.provider.starts == []

    play(scenario)


def test_a_new_pod_of_the_same_name_is_another_pod() -> None:
    """It runs while the old one is still being stopped."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = Script(lives=(Life(deaf=True),))
        await world.apply(pod("a"))
        await world.until_phase("a", "Running")
        await world.remove("a", gracePeriodSeconds=0)
        await world.apply(pod("a"))
        took = await world.until_phase("a", "Running")

        assert took < 5
        assert len(world.provider.pods) == 2
        await asyncio.sleep(40)
        assert len(world.provider.pods) == 1
        assert (await world.pod("a"))["status"]["phase"] == "Running"

    play(scenario)


def test_a_deadline_ends_the_pod_and_says_why() -> None:
    """DeadlineExceeded, and Failed."""

    async def scenario(world: World) -> None:
        await world.apply(pod("a", activeDeadlineSeconds=30))
        took = await world.until_phase("a", "Failed")
        status = (await world.pod("a"))["status"]

        assert 29 <= took <= 32
        assert status["reason"] == "DeadlineExceeded"
        assert status["message"] == "Pod was active on the node longer than the specified deadline"
        assert world.provider.running() == []

    play(scenario)


def test_a_delete_that_the_api_refuses_for_a_while_is_tried_again() -> None:
    """No pod stays Terminating because one request failed."""

    async def scenario(world: World) -> None:
        await world.apply(pod("a"))
        await world.until_phase("a", "Running")
        await world.remove("a", gracePeriodSeconds=5)
        world.kubernetes.trouble = ApiError(500, "InternalError", "etcd is on fire")
        await asyncio.sleep(30)
        world.kubernetes.trouble = None

        assert await world.until_gone("a") < 20

    play(scenario)
