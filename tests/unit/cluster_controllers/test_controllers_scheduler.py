"""The scheduler: which node a pod gets, and what is said when there is none."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.cluster_controllers.cluster import ScriptedNode, cluster, settle
from tests.virtual_time import run

from towline.cluster.controllers.node_fit import Misfit, misfit, no_fit_message
from towline.cluster.kubernetes import Object
from towline.cluster.resources import EVENTS, NODES, PODS
from towline.kube.quantity import value

NODE = "eklet-subnet-1"


def _pod(name: str = "p", **spec: Any) -> Object:
    containers = [{"name": "main", "image": "one", **spec.pop("container", {})}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"containers": containers, **spec},
    }


def _asking(**requests: str) -> dict[str, Any]:
    return {"resources": {"requests": requests}}


def _node(*taints: Object, ready: str = "True", **spec: Any) -> Object:
    return {
        "metadata": {"name": NODE, "labels": {"zone": "1"}},
        "spec": {"taints": list(taints), **spec},
        "status": {
            "conditions": [{"type": "Ready", "status": ready}],
            "allocatable": {"cpu": "2", "memory": "1Gi", "pods": "2"},
        },
    }


def _affinity(*terms: Object) -> Object:
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [*terms]}}
    return {"affinity": {"nodeAffinity": required}}


GPU = {"key": "gpu", "value": "a", "effect": "NoSchedule"}
UNTOLERATED = "node(s) had untolerated taint {gpu: a}"
NOT_CHOSEN = "node(s) didn't match Pod's node affinity/selector"
ZONE_1 = {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["1"]}]}
ZONE_2 = {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["2"]}]}
BY_NAME = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [NODE]}]}


@pytest.mark.parametrize(
    ("pod", "node", "reasons"),
    [
        pytest.param(_pod(), _node(), (), id="nothing asked"),
        pytest.param(_pod(nodeSelector={"zone": "1"}), _node(), (), id="chosen by label"),
        pytest.param(
            _pod(nodeSelector={"zone": "2"}), _node(), (NOT_CHOSEN,), id="not chosen by label"
        ),
        pytest.param(_pod(**_affinity(ZONE_2, ZONE_1)), _node(), (), id="one term is enough"),
        pytest.param(_pod(**_affinity(ZONE_2)), _node(), (NOT_CHOSEN,), id="no term fits"),
        pytest.param(_pod(**_affinity(BY_NAME)), _node(), (), id="chosen by name"),
        pytest.param(_pod(**_affinity({})), _node(), (NOT_CHOSEN,), id="an empty term is none"),
        pytest.param(_pod(), _node(GPU), (UNTOLERATED,), id="tainted"),
        pytest.param(
            _pod(tolerations=[{"key": "gpu", "operator": "Exists"}]), _node(GPU), (), id="any value"
        ),
        pytest.param(
            _pod(tolerations=[{"key": "gpu", "value": "b"}]),
            _node(GPU),
            (UNTOLERATED,),
            id="another value",
        ),
        pytest.param(_pod(tolerations=[{"operator": "Exists"}]), _node(GPU), (), id="all taints"),
        pytest.param(
            _pod(tolerations=[{"key": "gpu", "operator": "Exists", "effect": "NoExecute"}]),
            _node(GPU),
            (UNTOLERATED,),
            id="another effect",
        ),
        pytest.param(
            _pod(), _node({"key": "k", "effect": "PreferNoSchedule"}), (), id="only preferred"
        ),
        pytest.param(
            _pod(), _node(unschedulable=True), ("node(s) were unschedulable",), id="cordoned"
        ),
        pytest.param(
            _pod(),
            _node(ready="False"),
            ("node(s) had untolerated taint {node.kubernetes.io/not-ready: }",),
            id="not ready",
        ),
        pytest.param(
            _pod(),
            _node(ready="Unknown"),
            ("node(s) had untolerated taint {node.kubernetes.io/unreachable: }",),
            id="silent",
        ),
        pytest.param(
            _pod(container=_asking(cpu="1500m", memory="512Mi")), _node(), (), id="just enough"
        ),
        pytest.param(
            _pod(container=_asking(cpu="1501m", memory="2Gi")),
            _node(),
            ("Insufficient cpu", "Insufficient memory"),
            id="too greedy",
        ),
        pytest.param(
            _pod(initContainers=[{"name": "i", **_asking(cpu="2")}]),
            _node(),
            ("Insufficient cpu",),
            id="greedy at its beginning",
        ),
        pytest.param(
            _pod(container=_asking(**{"example.com/gpu": "1"})),
            _node(),
            ("Insufficient example.com/gpu",),
            id="what no node has",
        ),
    ],
)
def test_a_node_takes_a_pod_or_says_why_not(
    pod: Object, node: Object, reasons: tuple[str, ...]
) -> None:
    """With half a core and half the memory taken by another pod."""
    used = {"cpu": value("500m"), "memory": value("512Mi"), "pods": value("1")}
    found = misfit(pod, node, used)

    assert (found.reasons if found else ()) == reasons


def test_why_a_pod_fits_nowhere_is_told_in_the_schedulers_own_words() -> None:
    """Counted, sorted, and with what preemption could not do."""
    full, cordoned = Misfit(("Insufficient cpu",), is_full=True), Misfit(("node(s) were x",))

    assert no_fit_message([full, cordoned, full]) == (
        "0/3 nodes are available: 1 node(s) were x, 2 Insufficient cpu. "
        "preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, "
        "2 No preemption victims found for incoming pod."
    )
    assert no_fit_message([]) == "no nodes available to schedule pods"


def test_a_pod_is_bound_and_the_event_says_where() -> None:
    """`kubectl describe pod` begins with it."""

    async def scenario() -> None:
        async with cluster() as held:
            await settle(5)
            await held.kubernetes.create(PODS, "demo", _pod())
            await settle(5)
            [pod] = held.kubernetes.all(PODS)
            [event] = [one for one in held.kubernetes.all(EVENTS) if one["reason"] == "Scheduled"]

            assert pod["spec"]["nodeName"] == NODE
            assert event["message"] == f"Successfully assigned demo/p to {NODE}"
            assert event["source"]["component"] == "default-scheduler"
            assert event["involvedObject"]["uid"] == pod["metadata"]["uid"]

    run(scenario())


def test_pods_are_spread_over_nodes_and_a_full_node_gets_no_more() -> None:
    """Twelve pods, two nodes of five: two wait, and are bound when room is made."""

    async def scenario() -> None:
        async with cluster() as held:
            held.node.allocatable = {"pods": "5"}
            other = ScriptedNode(held.kubernetes, "eklet-subnet-2", allocatable={"pods": "5"})
            serving = held.tasks.create_task(other.run())
            await settle(5)
            for number in range(12):
                await held.kubernetes.create(PODS, "demo", _pod(f"p{number:02}"))
            await settle(5)
            nodes = [one["spec"].get("nodeName", "") for one in held.kubernetes.all(PODS)]
            waiting = [one for one in held.kubernetes.all(PODS) if not one["spec"].get("nodeName")]
            bound = next(one for one in held.kubernetes.all(PODS) if one["spec"].get("nodeName"))
            await held.kubernetes.delete(PODS, "demo", bound["metadata"]["name"])
            await settle(5)
            after = [one for one in held.kubernetes.all(PODS) if not one["spec"].get("nodeName")]
            serving.cancel()

            assert sorted(nodes) == ["", "", *[NODE] * 5, *["eklet-subnet-2"] * 5]
            assert waiting[0]["status"]["conditions"][0]["message"] == (
                "0/2 nodes are available: 2 Too many pods. preemption: 0/2 nodes are available: "
                "2 No preemption victims found for incoming pod."
            )
            assert len(after) == 1

    run(scenario())


def test_a_pod_that_fits_nowhere_waits_for_a_node_that_takes_it() -> None:
    """It says why, once, and is bound when the node changes."""

    async def scenario() -> None:
        async with cluster() as held:
            await settle(5)
            await held.kubernetes.create(PODS, "demo", _pod(nodeSelector={"zone": "2"}))
            await settle(60)
            [waiting] = held.kubernetes.all(PODS)
            said = held.said("FailedScheduling")
            labels = {"metadata": {"labels": {"zone": "2"}}}
            await held.kubernetes.patch(NODES, "", NODE, labels)
            await settle(5)

            [condition] = waiting["status"]["conditions"]
            assert (condition["type"], condition["status"], condition["reason"]) == (
                "PodScheduled",
                "False",
                "Unschedulable",
            )
            assert said == [condition["message"]]
            assert held.kubernetes.all(PODS)[0]["spec"]["nodeName"] == NODE

    run(scenario())


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"schedulerName": "another"}, id="another scheduler's"),
        pytest.param({"schedulingGates": [{"name": "g"}]}, id="gated"),
    ],
)
def test_pods_that_are_not_ours_to_bind_are_left_alone(spec: dict[str, Any]) -> None:
    """Nothing is said of them either."""

    async def scenario() -> None:
        async with cluster() as held:
            await held.kubernetes.create(PODS, "demo", _pod(**spec))
            await settle()
            [pod] = held.kubernetes.all(PODS)

            assert "nodeName" not in pod["spec"]
            assert held.said("FailedScheduling") == []

    run(scenario())
