"""A node reads of a pod what decides what runs, and refuses what is no pod."""

from __future__ import annotations

import pytest
from tests.unit.kube.recorded import cases

from towline.kube.pod import InvalidPod, Pod, PullPolicy, RestartPolicy


def metadata(**fields: object) -> dict[str, object]:
    """Who the pod is."""
    return {"name": "web-x", "namespace": "demo", "uid": "u-1", **fields}


def test_a_pod_of_all_features_is_read() -> None:
    """As a real server had filled it in."""
    pod = Pod.parse({**cases()[-1].answer, "metadata": metadata()})

    [container] = pod.spec.containers
    [sidecar] = pod.spec.init_containers
    assert container.image.startswith("reg.local:5000/ns/app@sha256:")
    assert container.args == ("", "x")
    assert [one.name for one in container.env] == ["A", "B", "C"]
    assert container.resources.limits["memory"] == "1Gi"
    assert sidecar.restart_policy is RestartPolicy.ALWAYS
    assert pod.spec.restart_policy is RestartPolicy.ON_FAILURE
    projected = next(one.projected for one in pod.spec.volumes if one.projected)
    assert [one.path for one in projected.sources[2].downward_api.items] == ["l"]  # type: ignore[union-attr]  # it is there
    assert container.image_pull_policy is PullPolicy.IF_NOT_PRESENT


def test_a_pod_is_called_as_the_kubelet_calls_it() -> None:
    """In the messages that people search for."""
    spec = {"containers": [{"name": "web"}], "initContainers": [{"name": "first"}]}
    pod = Pod.parse({"metadata": metadata(), "spec": spec})

    assert pod.full_name == "web-x_demo(u-1)"
    assert pod.field_path("web") == "spec.containers{web}"
    assert pod.field_path("first") == "spec.initContainers{first}"


def test_null_is_absent() -> None:
    """Everywhere in the API's JSON."""
    pod = Pod.parse(
        {
            "metadata": metadata(labels=None),
            "spec": {"containers": [{"name": "web", "env": None}], "volumes": None},
        }
    )

    assert pod.metadata.labels == {}
    assert pod.spec.containers[0].env == ()


@pytest.mark.parametrize(
    "thing",
    [
        {},
        {"metadata": {"name": "a"}, "spec": {}},
        {"metadata": metadata(), "spec": {"containers": [{}]}},
        {"metadata": metadata(), "spec": {"containers": "web"}},
        {"metadata": metadata(), "spec": {"restartPolicy": "Perhaps"}},
    ],
    ids=["nothing", "no uid", "no name", "no list", "no policy"],
)
def test_what_is_no_pod_is_refused(thing: dict[str, object]) -> None:
    """By one exception, which the node reports of the pod."""
    with pytest.raises(InvalidPod):
        Pod.parse(thing)
