"""What a container's processes may do, by the security contexts of the pod and its own."""

from __future__ import annotations

from typing import Any

import pytest
from tests.simulated_provider import Script
from tests.unit.cluster_node.node_world import IMAGE, World, container, play, pod

from towline.cluster.node.provider import ContainerSpec, Privileges
from towline.kube.capability import USUAL

NOT_ROOT = {"runAsNonRoot": True}


def spec_of(content: dict[str, Any], **pod_fields: Any) -> ContainerSpec:
    """What the provider is given for a container."""

    async def scenario(world: World) -> ContainerSpec:
        await world.apply(pod("a", container(**content), **pod_fields))
        await world.until_phase("a", "Running")
        return world.provider.starts[0]

    return play(scenario)


def test_another_group_leaves_the_user_to_the_image() -> None:
    """It may be anybody, and is not root for it."""
    assert spec_of({}, securityContext={"runAsGroup": 2000}).user == ":2000"


@pytest.mark.parametrize(
    ("content", "fields", "message"),
    [
        pytest.param(
            {},
            {"hostIPC": True},
            "the namespaces of the host are not available in a serverless cluster",
            id="the host's memory",
        ),
        pytest.param(
            {},
            {"shareProcessNamespace": True},
            "shareProcessNamespace is not available in a serverless cluster",
            id="processes in common",
        ),
        pytest.param(
            {},
            {"hostUsers": False},
            "hostUsers: false is not available in a serverless cluster",
            id="users of its own",
        ),
        pytest.param(
            {},
            {"securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}},
            "seccompProfile must be Unconfined or left out in a serverless cluster",
            id="a filter of system calls",
        ),
        pytest.param(
            {"securityContext": {"appArmorProfile": {"type": "RuntimeDefault"}}},
            {},
            "appArmorProfile must be Unconfined or left out in a serverless cluster",
            id="a profile",
        ),
        pytest.param(
            {"securityContext": {"procMount": "Unmasked"}},
            {},
            "procMount is not available in a serverless cluster",
            id="all of the kernel's files",
        ),
        pytest.param(
            {},
            {"securityContext": {"sysctls": [{"name": "net.core.somaxconn", "value": "1024"}]}},
            "sysctls is not available in a serverless cluster",
            id="settings of the kernel",
        ),
        pytest.param(
            {"securityContext": {"capabilities": {"add": ["NET_ADMIN"]}}},
            {},
            "capability NET_ADMIN is not available in a serverless cluster: "
            "it reaches beyond the pod",
            id="a power over the network",
        ),
    ],
)
def test_what_would_be_run_without_is_refused(
    content: dict[str, Any], fields: dict[str, Any], message: str
) -> None:
    """A confinement that is left out is one that somebody counts on."""

    async def scenario(world: World) -> None:
        await world.apply(pod("a", container(**content), **fields))
        await world.until_reason("a", "CreateContainerConfigError")

        assert (await world.status("a"))["state"]["waiting"]["message"] == message
        assert world.provider.starts == []

    play(scenario)


@pytest.mark.parametrize(
    ("of_image", "content", "fields", "message"),
    [
        pytest.param(
            "",
            {},
            NOT_ROOT,
            "container has runAsNonRoot and image will run as root",
            id="an image that says nothing",
        ),
        pytest.param(
            "0:1000",
            NOT_ROOT,
            {},
            "container has runAsNonRoot and image will run as root",
            id="an image of root's",
        ),
        pytest.param(
            "web:1000",
            NOT_ROOT,
            {"runAsGroup": 5},
            "container has runAsNonRoot and image has non-numeric user (web), "
            "cannot verify user is non-root",
            id="an image with a name",
        ),
        pytest.param(
            "1000",
            {"runAsUser": 0},
            NOT_ROOT,
            "container's runAsUser breaks non-root policy",
            id="root, asked for",
        ),
    ],
)
def test_who_must_not_be_root_is_not_started_as_root(
    of_image: str, content: dict[str, Any], fields: dict[str, Any], message: str
) -> None:
    """In the kubelet's words, each with the pod and the container."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = Script(user=of_image)
        made = await world.apply(
            pod("a", container(securityContext=content), securityContext=fields)
        )
        await world.until_reason("a", "CreateContainerConfigError")

        where = f'(pod: "a_demo({made["metadata"]["uid"]})", container: web)'
        assert (await world.status("a"))["state"]["waiting"]["message"] == f"{message} {where}"
        assert world.provider.starts == []

    play(scenario)


@pytest.mark.parametrize(
    ("of_image", "content", "chosen"),
    [
        pytest.param("1000", {}, None, id="the image is not root's"),
        pytest.param("", {"runAsUser": 1000}, "1000", id="the pod says who"),
        pytest.param("", {"runAsNonRoot": False}, None, id="the container may be root"),
    ],
)
def test_who_is_not_root_or_may_be_is_started(
    of_image: str, content: dict[str, Any], chosen: str | None
) -> None:
    """The container's word counts before the pod's."""

    async def scenario(world: World) -> None:
        world.provider.scripts[IMAGE] = Script(user=of_image)
        await world.apply(pod("a", container(securityContext=content), securityContext=NOT_ROOT))
        await world.until_phase("a", "Running")

        assert world.provider.starts[0].user == chosen

    play(scenario)


def test_privileges_are_those_of_both_security_contexts() -> None:
    """Powers of the container, groups of the pod; nothing was filtered, so Unconfined is true."""
    spec = spec_of(
        {
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
                "seccompProfile": {"type": "Unconfined"},
            }
        },
        securityContext={
            "fsGroup": 3000,
            "supplementalGroups": [4000],
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    )

    assert spec.privileges == Privileges(("CAP_NET_BIND_SERVICE",), False, (3000, 4000), 3000)
    assert spec_of({}).privileges == Privileges(USUAL, True, (), None)
