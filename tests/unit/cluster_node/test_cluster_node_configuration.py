"""What a container is started with: variables, files, limits and commands, looked up and expanded."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.cluster_node.node_world import World, container, messages, play, pod

from towline.cluster.node.expansion import expand
from towline.cluster.node.provider import (
    ContainerSpec,
    Limits,
    Mount,
    ScratchVolume,
    VolumeFiles,
)
from towline.cluster.resources import CONFIG_MAPS, SECRETS

ANY = {"SET": "1", "DEEP": "$(SET)"}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        pytest.param("$(SET)", "1", id="a variable"),
        pytest.param("a$(SET)b$(SET)", "a1b1", id="several"),
        pytest.param("$(UNSET)", "$(UNSET)", id="one that is not defined"),
        pytest.param("$$(SET)", "$(SET)", id="escaped"),
        pytest.param("$$$(SET)", "$1", id="an escape before a variable"),
        pytest.param("$SET ${SET}", "$SET ${SET}", id="what a shell would read"),
        pytest.param("$(SET", "$(SET", id="unfinished"),
        pytest.param("cost: 5$", "cost: 5$", id="a sign at the end"),
        pytest.param("$(DEEP)", "$(SET)", id="values are not expanded again"),
        pytest.param("$()", "$()", id="no name"),
    ],
)
def test_variables_in_text(text: str, expanded: str) -> None:
    """As Kubernetes' own table of cases has it."""
    assert expand(text, ANY) == expanded


@given(st.text(alphabet="$()aSET"))
def test_what_has_no_dollar_sign_is_never_changed_and_nothing_breaks(text: str) -> None:
    """Any text can be expanded."""
    assert expand(text.replace("$", ""), ANY) == text.replace("$", "")
    assert isinstance(expand(text, ANY), str)


def spec_of(content: dict[str, Any], **pod_fields: Any) -> ContainerSpec:
    """What the provider is given for a container."""

    async def scenario(world: World) -> ContainerSpec:
        await world.put(
            CONFIG_MAPS, "settings", data={"mode": "fast", "1bad=": "x"}, binaryData={"raw": "AP8="}
        )
        await world.put(SECRETS, "keys", data={"id": "a2V5", "other": "Yg=="})
        await world.apply(pod("a", container(**content), **pod_fields))
        await world.until_phase("a", "Running")
        return world.provider.starts[0]

    return play(scenario)


def test_variables_come_from_everywhere_and_later_ones_win() -> None:
    """envFrom first, then env; each may refer to those before it."""
    spec = spec_of(
        {
            "envFrom": [
                {"secretRef": {"name": "keys"}, "prefix": "KEY_"},
                {"configMapRef": {"name": "absent", "optional": True}},
            ],
            "env": [
                {
                    "name": "MODE",
                    "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "mode"}},
                },
                {"name": "KEY_id", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "other"}}},
                {"name": "BOTH", "value": "$(MODE)-$(KEY_id)-$(LATER)"},
                {"name": "LATER", "value": "x"},
                {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
                {
                    "name": "MAYBE",
                    "valueFrom": {
                        "secretKeyRef": {"name": "keys", "key": "none", "optional": True}
                    },
                },
            ],
            "resources": {"limits": {"cpu": "1500m"}},
        }
    )

    assert dict(spec.env) == {
        "KEY_id": "b",
        "KEY_other": "b",
        "MODE": "fast",
        "BOTH": "fast-b-$(LATER)",
        "LATER": "x",
        "NAME": "a",
        "IP": "10.0.0.2",
        "CPU": "2",
    }


def test_commands_are_expanded_and_limits_are_numbers() -> None:
    """Everything else is handed on as it is written."""
    spec = spec_of(
        {
            "command": ["serve", "--mode=$(MODE)"],
            "args": ["$(NONE)"],
            "env": [{"name": "MODE", "value": "slow"}],
            "workingDir": "/srv",
            "resources": {"limits": {"cpu": "250m", "memory": "64Mi"}},
            "securityContext": {"runAsUser": 1000, "readOnlyRootFilesystem": True},
            "tty": True,
        },
        securityContext={"runAsGroup": 2000},
    )

    assert spec.command == ("serve", "--mode=slow")
    assert spec.args == ("$(NONE)",)
    assert spec.working_dir == "/srv"
    assert spec.limits == Limits(250, 64 << 20)
    assert spec.user == "1000:2000"
    assert spec.read_only_root
    assert spec.tty


def test_what_is_not_said_is_left_to_the_image() -> None:
    """None, not something empty."""
    spec = spec_of({})

    assert (spec.command, spec.args, spec.working_dir, spec.user) == (None, None, None, None)
    assert spec.limits == Limits(None, None)


def test_volumes_become_files_or_shared_space() -> None:
    """Secrets, ConfigMaps (binary too), chosen items, the pod's own fields, and an emptyDir."""
    spec = spec_of(
        {
            "volumeMounts": [
                {"name": "scratch", "mountPath": "/tmp", "subPath": "mine"},
                {"name": "keys", "mountPath": "/keys", "readOnly": True},
                {"name": "settings", "mountPath": "/settings"},
                {"name": "info", "mountPath": "/info"},
            ]
        },
        volumes=[
            {"name": "scratch", "emptyDir": {}},
            {
                "name": "keys",
                "secret": {"secretName": "keys", "items": [{"key": "id", "path": "a/b"}]},
            },
            {"name": "settings", "configMap": {"name": "settings"}},
            {
                "name": "info",
                "projected": {
                    "sources": [
                        {
                            "downwardAPI": {
                                "items": [
                                    {
                                        "path": "namespace",
                                        "fieldRef": {"fieldPath": "metadata.namespace"},
                                    }
                                ]
                            }
                        },
                        {"secret": {"name": "keys"}},
                    ]
                },
            },
            {"name": "unused", "hostPath": {"path": "/"}},
        ],
    )

    assert spec.mounts == (
        Mount("/tmp", ScratchVolume("scratch"), sub_path="mine"),
        Mount("/keys", VolumeFiles({"a/b": b"key"}), read_only=True),
        Mount("/settings", VolumeFiles({"mode": b"fast", "1bad=": b"x", "raw": b"\x00\xff"})),
        Mount("/info", VolumeFiles({"namespace": b"demo", "id": b"key", "other": b"b"})),
    )


MOUNT = [{"name": "v", "mountPath": "/v"}]


@pytest.mark.parametrize(
    ("content", "fields", "message"),
    [
        pytest.param(
            {"volumeMounts": MOUNT},
            {"volumes": [{"name": "v", "hostPath": {"path": "/etc"}}]},
            'volume "v" is of a kind that this cluster does not have: use emptyDir, '
            "secret, configMap, downwardAPI or projected",
            id="a volume of the host",
        ),
        pytest.param(
            {},
            {"hostNetwork": True},
            "the namespaces of the host are not available in a serverless cluster",
            id="the host's network",
        ),
        pytest.param(
            {"securityContext": {"privileged": True}},
            {},
            "privileged containers are not available in a serverless cluster",
            id="privileges",
        ),
        pytest.param(
            {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "none", "key": "k"}}}]},
            {},
            'secret "none" not found',
            id="a Secret that is missing",
        ),
        pytest.param(
            {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.nothing"}}}]},
            {},
            "unsupported fieldPath: spec.nothing",
            id="a field that there is not",
        ),
        pytest.param(
            {"volumeMounts": [{"name": "v", "mountPath": "/v", "subPath": "../x"}]},
            {"volumes": [{"name": "v", "emptyDir": {}}]},
            'subPath "../x" must stay inside the volume',
            id="a way out of a volume",
        ),
    ],
)
def test_what_cannot_be_had_is_refused_with_a_reason(
    content: dict[str, Any], fields: dict[str, Any], message: str
) -> None:
    """Nothing is run differently than it was asked for."""

    async def scenario(world: World) -> None:
        await world.apply(pod("a", container(**content), **fields))
        await world.until_reason("a", "CreateContainerConfigError")

        assert (await world.status("a"))["state"]["waiting"]["message"] == message
        assert world.provider.starts == []

    play(scenario)


def test_keys_that_can_be_no_variables_are_left_out_and_named() -> None:
    """An event of the kubelet's, and the container runs."""

    async def scenario(world: World) -> None:
        await world.put(CONFIG_MAPS, "odd", data={"1st": "a", "good": "b", "has=sign": "c"})
        await world.apply(pod("a", container(envFrom=[{"configMapRef": {"name": "odd"}}])))
        await world.until_phase("a", "Running")
        await asyncio.sleep(1)

        assert world.provider.starts[0].env == (("good", "b"),)
        assert (
            "InvalidEnvironmentVariableNames: Keys [1st, has=sign] from the EnvFrom configMap demo/odd "
            "were skipped since they are considered invalid environment variable names."
            in messages(world.events("a"))
        )

    play(scenario)
