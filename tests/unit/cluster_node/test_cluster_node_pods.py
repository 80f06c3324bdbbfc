"""What a kubelet does with a pod that meets nothing out of the ordinary, and what holds it."""

from __future__ import annotations

import asyncio

from tests.unit.cluster_node.node_world import (
    IMAGE,
    World,
    container,
    messages,
    play,
    pod,
)

from towline.cluster.resources import CONFIG_MAPS, SECRETS


def test_a_pod_runs_and_says_so_in_the_kubelets_words_and_order() -> None:
    """Pulling, Pulled with times and size, Created, Started; then Running, ready, with an address."""

    async def scenario(world: World) -> None:
        await world.apply(pod("a"))
        await world.until_phase("a", "Running")
        await asyncio.sleep(1)

        assert messages(world.events("a")) == [
            f'Pulling: Pulling image "{IMAGE}"',
            (
                f'Pulled: Successfully pulled image "{IMAGE}" in 1s (1s including waiting). '
                "Image size: 1000 bytes."
            ),
            "Created: Created container web",
            "Started: Started container web",
        ]
        assert {event.about for event in world.events("a")} == {"web"}
        status = (await world.pod("a"))["status"]
        assert status["podIP"] == "10.0.0.2"
        assert status["hostIP"] == "127.0.0.1"
        assert status["containerStatuses"][0]["ready"]
        assert (
            status["containerStatuses"][0]["imageID"] == f"registry.example/web@sha256:{'1' * 64}"
        )
        assert {one["type"]: one["status"] for one in status["conditions"]} == {
            "PodReadyToStartContainers": "True",
            "Initialized": "True",
            "Ready": "True",
            "ContainersReady": "True",
            "PodScheduled": "True",
        }

    play(scenario)


def test_a_pod_without_a_free_address_waits_for_one() -> None:
    """FailedCreatePodSandBox, and again later."""

    async def scenario(world: World) -> None:
        world.provider.opening_fails = ["subnet has no free address"]
        await world.apply(pod("a"))
        await asyncio.sleep(2)

        assert messages(world.events("a")) == [
            "FailedCreatePodSandBox: Failed to create pod sandbox: subnet has no free address"
        ]
        await world.until_phase("a", "Running")

    play(scenario)


def test_configuration_that_lacks_something_waits_for_it() -> None:
    """CreateContainerConfigError names what is missing; when it is there the container starts."""

    async def scenario(world: World) -> None:
        await world.put(CONFIG_MAPS, "settings", data={"other": "1"})
        reference = {"configMapKeyRef": {"name": "settings", "key": "mode"}}
        await world.apply(pod("a", container(env=[{"name": "MODE", "valueFrom": reference}])))
        await world.until_reason("a", "CreateContainerConfigError")
        message = (await world.status("a"))["state"]["waiting"]["message"]

        assert message == "couldn't find key mode in ConfigMap demo/settings"
        await world.kubernetes.patch(CONFIG_MAPS, "demo", "settings", {"data": {"mode": "fast"}})
        await world.until_phase("a", "Running")
        assert world.provider.starts[0].env == (("MODE", "fast"),)

    play(scenario)


def test_a_volume_whose_secret_is_missing_keeps_the_container_from_starting() -> None:
    """FailedMount, as the kubelet says it, until the Secret is there."""

    async def scenario(world: World) -> None:
        volumes = [{"name": "keys", "secret": {"secretName": "keys"}}]
        mounts = [{"name": "keys", "mountPath": "/keys"}]
        await world.apply(pod("a", container(volumeMounts=mounts), volumes=volumes))
        await asyncio.sleep(2)

        assert messages(world.events("a")) == [
            'FailedMount: MountVolume.SetUp failed for volume "keys" : secret "keys" not found'
        ]
        assert await world.reason("a") == "ContainerCreating"
        await world.put(SECRETS, "keys", data={"id": "a2V5"})
        await world.until_phase("a", "Running")

    play(scenario)
