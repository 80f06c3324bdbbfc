"""When containers run, in which order, and when they run again."""

from __future__ import annotations

import asyncio

import pytest
from tests.simulated_provider import Life, Script
from tests.unit.cluster_node.node_world import (
    IMAGE,
    World,
    container,
    ends,
    messages,
    play,
    pod,
)

from towline.cluster.resources import PODS


def test_a_container_that_ends_at_once_is_started_again_later_each_time() -> None:
    """The first time at once, then after 10 s, doubled: CrashLoopBackOff, in the kubelet's words."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = ends(3)
        created = await world.apply(pod("a"))
        await world.until_reason("a", "CrashLoopBackOff")
        await asyncio.sleep(1)
        status, full = await world.status("a"), f"a_demo({created['metadata']['uid']})"

        assert status["restartCount"] == 1
        assert status["state"]["waiting"]["message"] == (
            f"back-off 10s restarting failed container=web pod={full}"
        )
        assert status["lastState"]["terminated"]["exitCode"] == 3
        assert status["lastState"]["terminated"]["reason"] == "Error"
        assert f"BackOff: Back-off restarting failed container web in pod {full}" in messages(
            world.events("a")
        )
        assert (await world.pod("a"))["status"]["phase"] == "Running"
        await asyncio.sleep(600)
        times = [spec.id.attempt for spec in world.provider.starts]
        assert times == list(range(len(times)))
        assert 5 <= len(times) <= 7

    play(scenario)


def test_a_run_of_ten_minutes_makes_the_back_off_begin_anew() -> None:
    """What ran that long is not called crashing."""

    async def scenario(world: World) -> None:
        lives = (Life(1, 1), Life(1, 1), Life(1, 1), Life(700, 1), Life(1, 1), Life())
        world.provider.scripts[IMAGE] = Script(lives=lives)
        await world.apply(pod("a"))

        async def has_run(attempt: int) -> bool:
            return bool((await world.status("a"))["restartCount"] == attempt)

        await world.until_phase("a", "Running")

        await world.until(lambda: has_run(3), within=120)
        took = await world.until(lambda: has_run(4), within=800)

        assert took < 705

    play(scenario)


@pytest.mark.parametrize(
    ("policy", "code", "phase", "runs"),
    [
        pytest.param("Never", 0, "Succeeded", 1, id="never, well"),
        pytest.param("Never", 1, "Failed", 1, id="never, badly"),
        pytest.param("OnFailure", 0, "Succeeded", 1, id="on failure, well"),
        pytest.param("OnFailure", 1, "Running", 3, id="on failure, badly"),
        pytest.param("Always", 0, "Running", 3, id="always, well"),
    ],
)
def test_the_restart_policy_decides_what_an_end_means(
    policy: str, code: int, phase: str, runs: int
) -> None:
    """The phase and the number of runs after forty seconds."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = ends(code)
        await world.apply(pod("a", restartPolicy=policy))
        await asyncio.sleep(22)

        assert (await world.pod("a"))["status"]["phase"] == phase
        assert len(world.provider.starts) == runs

    play(scenario)


def test_what_the_runtime_refuses_is_told_and_tried_again() -> None:
    """RunContainerError, then a restart that counts."""

    async def scenario(world: World) -> None:
        text = 'exec: "nope": executable file not found in $PATH'
        world.provider.scripts[IMAGE] = Script(lives=(Life(refused=text), Life()))
        await world.apply(pod("a"))
        await world.until_reason("a", "RunContainerError")
        status = await world.status("a")

        assert status["state"]["waiting"]["message"] == text
        assert status["lastState"]["terminated"]["exitCode"] == 128
        assert f"Failed: Error: {text}" in messages(world.events("a"))
        await world.until_reason("a", "Running")
        assert (await world.status("a"))["restartCount"] == 1

    play(scenario)


def test_init_containers_run_one_after_the_other_before_the_others() -> None:
    """Until they have, the pod is not initialized and the others wait for it."""

    async def scenario(world: World) -> None:
        world.provider.scripts["registry.example/init:1"] = ends(0, after=5)
        init = [container(name, "registry.example/init:1") for name in ("one", "two")]
        await world.apply(pod("a", initContainers=init))
        await asyncio.sleep(3)

        assert await world.reason("a") == "PodInitializing"
        condition = await world.condition("a", "Initialized")
        assert condition["message"] == "containers with incomplete status: [one two]"
        await world.until_phase("a", "Running")
        assert [spec.id.name for spec in world.provider.starts] == ["one", "two", "web"]
        statuses = (await world.pod("a"))["status"]["initContainerStatuses"]
        assert all(status["ready"] for status in statuses)

    play(scenario)


@pytest.mark.parametrize(
    ("policy", "phase"),
    [pytest.param("Never", "Failed", id="never"), pytest.param("Always", "Pending", id="always")],
)
def test_an_init_container_that_fails_holds_the_pod_or_ends_it(policy: str, phase: str) -> None:
    """The main containers never run."""

    async def scenario(world: World) -> None:
        world.provider.scripts["registry.example/init:1"] = ends(1)
        init = [container("init", "registry.example/init:1")]
        await world.apply(pod("a", initContainers=init, restartPolicy=policy))
        await asyncio.sleep(60)

        assert (await world.pod("a"))["status"]["phase"] == phase
        assert "web" not in [spec.id.name for spec in world.provider.starts]

    play(scenario)


def test_a_sidecar_runs_beside_the_others_and_ends_after_them() -> None:
    """A job with a sidecar completes: the sidecar is stopped when the main container has ended."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = ends(0, after=10)
        sidecars = [
            container(name, "registry.example/side:1", restartPolicy="Always")
            for name in ("first", "second")
        ]
        await world.apply(pod("a", initContainers=sidecars, restartPolicy="Never"))
        await asyncio.sleep(6)

        assert world.provider.running() == ["first", "second", "web"]
        await world.until_phase("a", "Succeeded")
        assert [stopped.name for stopped, _ in world.provider.stops] == ["second", "first"]

    play(scenario)


def test_an_edit_of_the_image_replaces_the_container() -> None:
    """`kubectl set image` on a pod: killed, and run anew with the other image."""

    async def scenario(world: World) -> None:
        await world.apply(pod("a"))
        await world.until_phase("a", "Running")
        newer = {"spec": {"containers": [container(image="registry.example/web:2")]}}
        await world.kubernetes.patch(PODS, "demo", "a", newer)
        await asyncio.sleep(5)

        assert world.provider.starts[-1].image.reference == "registry.example/web:2"
        assert "Killing: Container web definition changed, will be restarted" in messages(
            world.events("a")
        )
        assert (await world.status("a"))["restartCount"] == 1

    play(scenario)
