"""What `kubectl get` prints of each kind: pods in all their states, the rest as recorded of a real server."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towline.kube.duration import human
from towline.kube.table import row, table
from towline.kube.table_layout import layout_of
from towline.kube.timestamp import seconds_of, to_second

NOW = seconds_of("2026-01-02T03:04:05Z")
Object = dict[str, Any]


def ago(seconds: float) -> str:
    """A time so long before now."""
    return to_second(NOW - seconds)


def container(name: str = "main", **fields: Any) -> Object:
    """The status of a container."""
    return {"name": name, "ready": False, "restartCount": 0, **fields}


WAITING = {"waiting": {"reason": "ImagePullBackOff"}}
CREATING = {"waiting": {"reason": "ContainerCreating"}}
RUNNING = {"running": {"startedAt": ago(60)}}
DONE = {"terminated": {"exitCode": 0, "reason": "Completed"}}
FAILED = {"terminated": {"exitCode": 3, "reason": "Error"}}
BARE = {"terminated": {"exitCode": 3}}
KILLED = {"terminated": {"exitCode": 137, "signal": 9}}
READY = [{"type": "Ready", "status": "True"}]
INITIALIZED = [{"type": "Initialized", "status": "True"}]


def pod(spec: Object | None = None, **status: Any) -> Object:
    """A pod of one container, with a status."""
    metadata = {"name": "web", "creationTimestamp": ago(90)}
    held = {"containers": [{"name": "main"}], **(spec or {})}
    return {"metadata": metadata, "spec": held, "status": status}


def up(*names: str) -> list[Object]:
    """Containers that run."""
    return [container(name, ready=True, state=RUNNING) for name in names]


TWO = {"containers": [{"name": "main"}, {"name": "side"}]}
INITS = {"initContainers": [{"name": "a"}, {"name": "b"}]}
SIDECAR = {"initContainers": [{"name": "a", "restartPolicy": "Always"}]}
STATES = [
    ("pending", pod(phase="Pending"), "0/1", "Pending"),
    ("pulling", pod(containerStatuses=[container(state=CREATING)]), "0/1", "ContainerCreating"),
    ("no image", pod(containerStatuses=[container(state=WAITING)]), "0/1", "ImagePullBackOff"),
    ("running", pod(phase="Running", containerStatuses=up("main")), "1/1", "Running"),
    ("done", pod(phase="Succeeded", containerStatuses=[container(state=DONE)]), "0/1", "Completed"),
    ("failed", pod(phase="Failed", containerStatuses=[container(state=FAILED)]), "0/1", "Error"),
    ("no reason", pod(containerStatuses=[container(state=BARE)]), "0/1", "ExitCode:3"),
    ("killed", pod(containerStatuses=[container(state=KILLED)]), "0/1", "Signal:9"),
    ("evicted", pod(phase="Failed", reason="Evicted"), "0/1", "Evicted"),
    (
        "one of two done",
        pod(TWO, phase="Running", containerStatuses=[*up("main"), container("side", state=DONE)]),
        "1/2",
        "NotReady",
    ),
    (
        "one of two done and ready",
        pod(
            TWO,
            phase="Running",
            conditions=READY,
            containerStatuses=[container("main", state=DONE), *up("side")],
        ),
        "1/2",
        "Running",
    ),
    (
        "init",
        pod(INITS, phase="Pending", initContainerStatuses=[container("a")]),
        "0/1",
        "Init:0/2",
    ),
    (
        "second init",
        pod(
            INITS, initContainerStatuses=[container("a", state=DONE), container("b", state=RUNNING)]
        ),
        "0/1",
        "Init:1/2",
    ),
    (
        "init fails",
        pod(INITS, initContainerStatuses=[container("a", state=FAILED)]),
        "0/1",
        "Init:Error",
    ),
    (
        "init exits",
        pod(INITS, initContainerStatuses=[container("a", state=BARE)]),
        "0/1",
        "Init:ExitCode:3",
    ),
    (
        "init without image",
        pod(INITS, initContainerStatuses=[container("a", state=WAITING)]),
        "0/1",
        "Init:ImagePullBackOff",
    ),
    (
        "sidecar",
        pod(
            SIDECAR,
            phase="Running",
            conditions=INITIALIZED,
            initContainerStatuses=[container("a", ready=True, started=True, state=RUNNING)],
            containerStatuses=up("main"),
        ),
        "2/2",
        "Running",
    ),
    (
        "gated",
        pod(
            phase="Pending",
            conditions=[{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}],
        ),
        "0/1",
        "SchedulingGated",
    ),
]


@pytest.mark.parametrize(
    ("item", "ready", "status"), [case[1:] for case in STATES], ids=[case[0] for case in STATES]
)
def test_a_pod_is_in_one_word(item: Object, ready: str, status: str) -> None:
    """The word and the count that printPod of printers.go would print."""
    cells = layout_of("Pod").cells(item, NOW)

    assert cells[:3] == ["web", ready, status]


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ({"phase": "Running"}, "Terminating"),
        ({"phase": "Succeeded"}, "Succeeded"),
        ({"phase": "Running", "reason": "NodeLost"}, "Unknown"),
    ],
    ids=["running", "ended", "lost"],
)
def test_a_pod_that_is_being_deleted_says_so(status: Object, word: str) -> None:
    """Unless it has ended, or nobody knows."""
    item = pod(**status)
    item["metadata"]["deletionTimestamp"] = ago(1)

    assert layout_of("Pod").cells(item, NOW)[2] == word


def test_restarts_say_when_the_last_one_was() -> None:
    """The latest end of any container counts."""
    first = {"terminated": {"exitCode": 1, "finishedAt": ago(600)}}
    second = {"terminated": {"exitCode": 1, "finishedAt": ago(300)}}
    statuses = [
        container("main", restartCount=2, state=RUNNING, lastState=first),
        container("side", restartCount=1, state=RUNNING, lastState=second),
    ]
    cells = layout_of("Pod").cells(pod(TWO, phase="Running", containerStatuses=statuses), NOW)

    assert cells[3] == "3 (5m ago)"


def test_a_wide_pod_says_where_it_is() -> None:
    """What nobody knows yet is <none>."""
    gates = {"nodeName": "eklet-a", "readinessGates": [{"conditionType": "x/y"}]}
    placed = layout_of("Pod").cells(pod(gates, podIPs=[{"ip": "10.0.0.9"}]), NOW)

    assert placed[5:] == ["10.0.0.9", "eklet-a", "<none>", "0/1"]
    assert layout_of("Pod").cells(pod(), NOW)[5:] == ["<none>"] * 4


def workload(**status: Any) -> Object:
    """A Deployment or a ReplicaSet of three."""
    template = {
        "spec": {"containers": [{"name": "a", "image": "x:1"}, {"name": "b", "image": "y:2"}]}
    }
    selector = {"matchLabels": {"app": "web"}}
    return {
        "metadata": {"name": "web", "creationTimestamp": ago(48)},
        "spec": {"replicas": 3, "selector": selector, "template": template},
        "status": status,
    }


NODE = {
    "metadata": {
        "name": "n",
        "creationTimestamp": ago(5),
        "labels": {"node-role.kubernetes.io/agent": ""},
    },
    "spec": {"unschedulable": True},
    "status": {
        "conditions": [{"type": "Ready", "status": "True"}],
        "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
        "nodeInfo": {"kubeletVersion": "v1.33.0", "osImage": "Debian"},
    },
}
EVENT = {
    "metadata": {"name": "web.1"},
    "involvedObject": {"kind": "Pod", "name": "web", "fieldPath": "spec.containers{main}"},
    "type": "Warning",
    "reason": "Failed",
    "message": "no\n",
    "count": 4,
    "firstTimestamp": ago(100),
    "lastTimestamp": ago(10),
    "source": {"component": "kubelet", "host": "n"},
}
NEW_EVENT = {
    "metadata": {"name": "web.2"},
    "involvedObject": {"kind": "Pod", "name": "web"},
    "type": "Normal",
    "reason": "Scheduled",
    "message": "yes",
    "eventTime": to_second(NOW - 7),
    "firstTimestamp": None,
    "reportingComponent": "default-scheduler",
    "reportingInstance": "default-scheduler-vm",
}
NAMED = {"metadata": {"name": "x", "creationTimestamp": ago(7)}}
ROWS = [
    (
        "Deployment",
        workload(readyReplicas=2, updatedReplicas=3, availableReplicas=1),
        ["web", "2/3", 3, 1, "48s", "a,b", "x:1,y:2", "app=web"],
    ),
    (
        "ReplicaSet",
        workload(replicas=2, readyReplicas=1),
        ["web", 3, 2, 1, "48s", "a,b", "x:1,y:2", "app=web"],
    ),
    ("Namespace", {**NAMED, "status": {"phase": "Active"}}, ["x", "Active", "7s"]),
    ("Secret", {**NAMED, "type": "Opaque", "data": {"a": "", "b": ""}}, ["x", "Opaque", 2, "7s"]),
    ("ConfigMap", {**NAMED, "data": {"a": ""}, "binaryData": {"b": ""}}, ["x", 2, "7s"]),
    ("ServiceAccount", NAMED, ["x", 0, "7s"]),
    ("Lease", {**NAMED, "spec": {"holderIdentity": "n"}}, ["x", "n", "7s"]),
    (
        "Node",
        NODE,
        [
            "n",
            "Ready,SchedulingDisabled",
            "agent",
            "5s",
            "v1.33.0",
            "10.0.0.1",
            "<none>",
            "Debian",
            "<unknown>",
            "<unknown>",
        ],
    ),
    (
        "Event",
        EVENT,
        [
            "10s",
            "Warning",
            "Failed",
            "pod/web",
            "spec.containers{main}",
            "kubelet, n",
            "no",
            "100s",
            4,
            "web.1",
        ],
    ),
    (
        "Event",
        NEW_EVENT,
        [
            "7s",
            "Normal",
            "Scheduled",
            "pod/web",
            "",
            "default-scheduler, default-scheduler-vm",
            "yes",
            "7s",
            1,
            "web.2",
        ],
    ),
    ("Scale", NAMED, ["x", ago(7)]),
]


@pytest.mark.parametrize(
    ("kind", "item", "cells"), ROWS, ids=[f"{case[0]} {at}" for at, case in enumerate(ROWS)]
)
def test_every_kind_has_its_line(kind: str, item: Object, cells: list[str | int]) -> None:
    """Cell by cell, and one cell for each column."""
    layout = layout_of(kind)

    assert layout.cells(item, NOW) == cells
    assert len(layout.columns) == len(cells)


def test_a_table_declares_its_columns() -> None:
    """Name is a name; what is for `-o wide` alone has priority 1."""
    layout = layout_of("Pod")
    made = table(layout, [row(["a"], None)], {"resourceVersion": "7"}, version="v1beta1")

    assert made["apiVersion"] == "meta.k8s.io/v1beta1"
    assert made["rows"] == [{"cells": ["a"]}]
    declared = [(one["name"], one["format"], one["priority"]) for one in made["columnDefinitions"]]
    assert declared[:2] == [("Name", "name", 0), ("Ready", "", 0)]
    assert declared[5] == ("IP", "", 1)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (150, "2m30s"),
        (601, "10m"),
        (3 * 3600 - 1, "179m"),
        (3 * 3600, "3h"),
        (3 * 3600 + 65, "3h1m"),
        (9 * 3600 + 65, "9h"),
        (47 * 3600, "47h"),
        (50 * 3600, "2d2h"),
        (8 * 86400, "8d"),
        (729 * 86400, "729d"),
        (730 * 86400, "2y"),
        (731 * 86400, "2y1d"),
        (9 * 365 * 86400, "9y"),
    ],
)
def test_ages_get_coarser(seconds: int, text: str) -> None:
    """As HumanDuration has them."""
    assert human(seconds) == text


@given(st.integers(min_value=0, max_value=10**11))
def test_an_age_is_short_and_never_negative(seconds: int) -> None:
    """At most two figures, whatever it is an age of."""
    text = human(seconds)

    assert len(text) <= 8
    assert not text.startswith("-")
