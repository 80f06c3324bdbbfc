"""A pod that starts before its image is whole says so, and says how the rest came."""

from __future__ import annotations

import asyncio

from tests.simulated_provider import Script
from tests.unit.cluster_node.node_world import IMAGE, World, messages, play, pod

STARTS = (
    f'LazyStart: Image "{IMAGE}" starts before it is whole: 500 of 1000 bytes are here; '
    "the rest comes behind"
)
WHOLE = f'LazyComplete: Image "{IMAGE}" is whole: 1000 bytes came in 20s'


def test_the_kubelets_words_stay_and_ours_come_behind() -> None:
    """The pod runs before its image is whole."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = Script(whole_after=20)
        await world.apply(pod("a"))
        await world.until_phase("a", "Running", within=10)
        before = messages(world.events("a"))
        await asyncio.sleep(21)
        told = messages(world.events("a"))

        assert before[0] == f'Pulling: Pulling image "{IMAGE}"'
        assert before[1].startswith(f'Pulled: Successfully pulled image "{IMAGE}" in ')
        assert before[2] == STARTS
        assert WHOLE not in before
        assert told.count(WHOLE) == 1

    play(scenario)


def test_a_whole_image_is_not_spoken_of() -> None:
    """Nothing but the kubelet's own events."""

    async def scenario(world: World) -> None:
        await world.apply(pod("a"))
        await world.until_phase("a", "Running")
        await asyncio.sleep(30)

        assert world.reasons("a") == ["Pulling", "Pulled", "Created", "Started"]

    play(scenario)


def test_an_image_that_cannot_be_made_whole_is_warned_of() -> None:
    """With the reason, and what happens next."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = Script(whole_after=20, spoilt="span 7 has other bytes")
        await world.apply(pod("a"))
        await world.until_phase("a", "Running")
        await asyncio.sleep(21)

        assert messages(world.events("a"))[-1] == (
            f'LazyFailed: Image "{IMAGE}" cannot be made whole: span 7 has other bytes; '
            "its containers were ended, the next pull is a full one"
        )

    play(scenario)


def test_the_end_is_told_by_the_next_agent() -> None:
    """The first was killed while the image came."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = Script(whole_after=20)
        await world.apply(pod("a"))
        await world.until_phase("a", "Running")
        await world.end()
        world.begin()
        await asyncio.sleep(30)

        assert [told.partition(":")[0] for told in messages(world.events("a"))].count(
            "LazyComplete"
        ) == 1

    play(scenario)


def test_nothing_is_said_of_a_pod_that_is_gone() -> None:
    """Its image may become whole for others."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = Script(whole_after=20)
        await world.apply(pod("a"))
        await world.until_phase("a", "Running")
        await world.remove("a", gracePeriodSeconds=0)
        await world.until_gone("a")
        await asyncio.sleep(30)

        assert "LazyComplete" not in world.reasons("a")

    play(scenario)
