"""What the API server fills in: the rules behind the recorded cases."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towline.kube import defaults


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("web", "Always"),
        ("web:latest", "Always"),
        ("web:1", "IfNotPresent"),
        ("hub.example:5000/web", "Always"),
        ("hub.example:5000/web:1", "IfNotPresent"),
        ("web@sha256:0", "IfNotPresent"),
        ("web:latest@sha256:0", "IfNotPresent"),
        ("", "Always"),
    ],
)
def test_an_image_that_may_move_is_always_pulled(image: str, policy: str) -> None:
    """No tag, or `latest`; a digest never moves."""
    assert defaults.pull_policy(image) == policy


def container(**resources: dict[str, str]) -> dict[str, Any]:
    """A container with these resources."""
    return {"name": "a", "resources": resources}


@pytest.mark.parametrize(
    ("containers", "quality"),
    [
        ([container()], "BestEffort"),
        ([container(requests={"cpu": "1"})], "Burstable"),
        ([container(limits={"cpu": "1"}, requests={"cpu": "1"})], "Burstable"),
        (
            [
                container(
                    limits={"cpu": "1", "memory": "1Gi"},
                    requests={"cpu": "1000m", "memory": "1024Mi"},
                )
            ],
            "Guaranteed",
        ),
        (
            [
                container(
                    limits={"cpu": "1", "memory": "1Gi"}, requests={"cpu": "1", "memory": "1Gi"}
                ),
                container(),
            ],
            "Burstable",
        ),
        ([container(requests={"cpu": "0"})], "BestEffort"),
        ([container(limits={"nvidia.com/gpu": "1"})], "BestEffort"),
    ],
)
def test_the_quality_of_service_follows_from_requests_and_limits(
    containers: list[dict[str, Any]], quality: str
) -> None:
    """By processor and memory, compared by amount."""
    assert defaults.quality({"containers": containers}) == quality


def test_what_is_allowed_is_requested() -> None:
    """In a pod: a limit alone is a request too, but a request that is there stays."""
    pod = {
        "spec": {"containers": [container(limits={"cpu": "2", "x/y": "1"}, requests={"cpu": "1"})]}
    }

    defaults.apply("Pod", pod)

    [filled] = pod["spec"]["containers"]
    assert filled["resources"]["requests"] == {"cpu": "1", "x/y": "1"}


def test_a_secrets_plain_text_becomes_data() -> None:
    """`stringData` is write-only and wins."""
    secret: dict[str, Any] = {"data": {"a": "AA==", "b": "AA=="}, "stringData": {"a": "ü"}}

    defaults.apply("Secret", secret)

    assert secret == {"type": "Opaque", "data": {"a": "w7w=", "b": "AA=="}}


def test_a_volume_without_a_source_is_an_empty_folder() -> None:
    """And files of Secrets may be read by all."""
    spec = {"volumes": [{"name": "a"}, {"name": "b", "secret": {"secretName": "s"}}]}

    defaults.pod_spec(spec)

    assert spec["volumes"] == [
        {"name": "a", "emptyDir": {}},
        {"name": "b", "secret": {"secretName": "s", "defaultMode": 0o644}},
    ]


def test_both_names_of_a_service_account_agree() -> None:
    """The old one is still sent."""
    new: dict[str, Any] = {"serviceAccountName": "robot"}
    old: dict[str, Any] = {"serviceAccount": "robot"}

    defaults.pod_spec(new)
    defaults.pod_spec(old)

    assert new == old
    assert new["serviceAccount"] == "robot"


def test_a_recreating_deployment_does_not_roll() -> None:
    """The shares of a rolling update belong to a rolling update."""
    recreating: dict[str, Any] = {"spec": {"strategy": {"type": "Recreate"}}}
    rolling: dict[str, Any] = {}

    defaults.apply("Deployment", recreating)
    defaults.apply("Deployment", rolling)

    assert recreating["spec"]["strategy"] == {"type": "Recreate"}
    assert rolling["spec"]["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"},
    }


def test_a_probe_gets_its_times() -> None:
    """Zero means unset."""
    probe: dict[str, Any] = {"httpGet": {"port": 80}, "periodSeconds": 0, "timeoutSeconds": 5}
    spec = {"containers": [{"name": "a", "readinessProbe": probe}]}

    defaults.pod_spec(spec)

    assert probe == {
        "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
        "periodSeconds": 10,
        "timeoutSeconds": 5,
        "successThreshold": 1,
        "failureThreshold": 3,
    }


@given(
    kind=st.sampled_from(
        ["Pod", "Deployment", "ReplicaSet", "Secret", "Namespace", "Node", "Event", "Lease"]
    ),
    image=st.text(max_size=5),
    volume=st.booleans(),
)
def test_defaults_given_twice_are_defaults_given_once(kind: str, image: str, volume: bool) -> None:
    """They are applied at every write."""
    spec: dict[str, Any] = {"containers": [{"name": "a", "image": image}]}
    if volume:
        spec["volumes"] = [{"name": "v"}]
    inner = {"template": {"spec": spec}} if kind in ("Deployment", "ReplicaSet") else spec
    item: dict[str, Any] = {"metadata": {"name": "x"}, "spec": inner}

    defaults.apply(kind, item)
    once = repr(item)
    defaults.apply(kind, item)

    assert repr(item) == once
