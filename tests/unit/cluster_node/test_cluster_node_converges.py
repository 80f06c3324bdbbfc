"""Whatever goes wrong, pods come to where they should be: images, crashes, kills and an absent API."""

from __future__ import annotations

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.simulated_provider import Life, Script
from tests.unit.cluster_node.node_world import World, container, play, pod

from towline.cluster.kubernetes import Unreachable
from towline.cluster.resources import PODS

lives = st.lists(
    st.builds(
        Life,
        seconds=st.sampled_from([None, 0.5, 20.0]),
        code=st.sampled_from([0, 1]),
        refused=st.sampled_from(["", "", "no such file"]),
        deaf=st.booleans(),
    ),
    min_size=1,
    max_size=3,
)
scripts = st.builds(
    Script,
    pull_seconds=st.sampled_from([0.0, 1.0, 15.0]),
    pull_errors=st.lists(st.just("broken"), max_size=3),
    lives=lives,
)
disturbances = st.lists(
    st.tuples(st.sampled_from(["kill", "silence", "loss", "wait"]), st.floats(0.0, 30.0)),
    max_size=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    policy=st.sampled_from(["Always", "OnFailure", "Never"]),
    main=st.lists(scripts, min_size=1, max_size=2),
    init=st.lists(scripts, max_size=2),
    sidecar=st.booleans(),
    trouble=disturbances,
)
def test_every_pod_gets_somewhere_and_goes_when_it_is_deleted(
    policy: str,
    main: list[Script],
    init: list[Script],
    sidecar: bool,
    trouble: list[tuple[str, float]],
) -> None:
    """The provider itself fails the test when a container would run twice."""

    async def scenario(world: World) -> None:
        images = {f"r.example/m{number}:1": script for number, script in enumerate(main)}
        first = {f"r.example/i{number}:1": script for number, script in enumerate(init)}
        world.provider.scripts = images | first
        begins = [
            container(f"i{number}", image, **({"restartPolicy": "Always"} if sidecar else {}))
            for number, image in enumerate(first)
        ]
        body = [container(f"m{number}", image) for number, image in enumerate(images)]
        created = await world.apply(pod("a", *body, initContainers=begins, restartPolicy=policy))
        for what, seconds in trouble:
            await disturb(world, what, seconds, created["metadata"]["uid"])
        await asyncio.sleep(1300)
        await check_that_it_got_somewhere(world)
        await world.remove("a", gracePeriodSeconds=5)
        await world.until_gone("a", within=120)
        await asyncio.sleep(20)

        assert world.provider.pods == {}

    play(scenario)


async def disturb(world: World, what: str, seconds: float, uid: str) -> None:
    """Something happens to the node."""
    match what:
        case "kill":
            await world.end()
            await asyncio.sleep(seconds)
            world.begin()
        case "silence":
            world.kubernetes.trouble = Unreachable("nobody is there")
            await asyncio.sleep(seconds)
            world.kubernetes.trouble = None
        case "loss":
            await world.end()
            world.provider.lose(uid)
            world.begin()
        case _:
            await asyncio.sleep(seconds)


async def check_that_it_got_somewhere(world: World) -> None:
    """After twenty minutes a pod has ended, or runs, or waits for a reason that it gives."""
    [held] = world.kubernetes.all(PODS)
    status = held["status"]
    if status["phase"] in ("Succeeded", "Failed"):
        assert world.provider.running() == []
        return
    everything = status["containerStatuses"] + status.get("initContainerStatuses", [])
    for container_status in everything:
        state, name = container_status["state"], container_status["name"]
        if "running" in state:
            assert name in world.provider.running()
        elif "waiting" in state:
            assert state["waiting"]["reason"]
