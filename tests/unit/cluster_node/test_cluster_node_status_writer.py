"""A status is written when it differs, and a refusal never becomes a loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from tests import virtual_time
from tests.fake_kubernetes import FakeKubernetes
from tests.unit.cluster_node.node_world import pod

from towline.cluster.kubernetes import ApiError, Object, Unreachable
from towline.cluster.node.status_writer import StatusWriter
from towline.cluster.resources import NAMESPACES, PODS
from towline.kube.pod import Pod

WANTED = {"phase": "Running"}


def write(
    scenario: Callable[[FakeKubernetes, StatusWriter, Pod], Coroutine[Any, Any, None]],
) -> None:
    """Play a scenario with a pod and its writer, in virtual time."""

    async def whole() -> None:
        kubernetes = FakeKubernetes(virtual_time.clock)
        await kubernetes.create(NAMESPACES, "", {"metadata": {"name": "demo"}})
        held = Pod.parse(await kubernetes.create(PODS, "demo", pod("a")))
        writer = StatusWriter(kubernetes, lambda _: None)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(writer.run())
            await scenario(kubernetes, writer, held)
            running.cancel()

    virtual_time.run(whole())


async def phase(kubernetes: FakeKubernetes) -> str:
    """What the API has."""
    held: Object = await kubernetes.get(PODS, "demo", "a")
    return str(held["status"]["phase"])


def test_what_differs_is_written_and_what_does_not_is_not() -> None:
    """The API is not asked without need."""

    async def scenario(kubernetes: FakeKubernetes, writer: StatusWriter, held: Pod) -> None:
        writer.offer(held, {"phase": "Pending"})
        await asyncio.sleep(1)
        untouched = await kubernetes.get(PODS, "demo", "a")
        writer.offer(held, WANTED)
        await writer.settled()

        assert untouched["metadata"]["resourceVersion"] == held.metadata.resource_version
        assert await phase(kubernetes) == "Running"

    write(scenario)


def test_an_absent_api_is_asked_again_once_a_second() -> None:
    """And gets the last status when it is back."""

    async def scenario(kubernetes: FakeKubernetes, writer: StatusWriter, held: Pod) -> None:
        kubernetes.trouble = Unreachable("nobody is there")
        writer.offer(held, {"phase": "Failed"})
        await asyncio.sleep(30)
        writer.offer(held, WANTED)
        kubernetes.trouble = None
        await writer.settled()

        assert await phase(kubernetes) == "Running"

    write(scenario)


def test_an_old_pod_conflicts_no_more_often_than_once_a_second() -> None:
    """Until somebody offers the status for the pod as it is now."""

    async def scenario(kubernetes: FakeKubernetes, writer: StatusWriter, held: Pod) -> None:
        newer = await kubernetes.patch(PODS, "demo", "a", {"metadata": {"labels": {"a": "b"}}})
        tries = 0
        patch = kubernetes.patch

        async def counted(*arguments: Any, **named: Any) -> Object:
            nonlocal tries
            tries += 1
            return await patch(*arguments, **named)

        kubernetes.patch = counted  # type: ignore[method-assign]  # only counts
        writer.offer(held, WANTED)
        await asyncio.sleep(10)
        writer.offer(Pod.parse(newer), WANTED)
        await writer.settled()

        assert 2 <= tries <= 13
        assert await phase(kubernetes) == "Running"

    write(scenario)


def test_a_status_that_the_api_will_not_have_is_given_up() -> None:
    """Nobody waits for it for ever."""

    async def scenario(kubernetes: FakeKubernetes, writer: StatusWriter, held: Pod) -> None:
        kubernetes.trouble = ApiError(422, "Invalid", "no such phase")
        writer.offer(held, WANTED)
        async with asyncio.timeout(1):
            await writer.settled()
        kubernetes.trouble = None

        assert await phase(kubernetes) == "Pending"

    write(scenario)
