"""ReplicaSets: how many pods there are, which of them go first, and whose they are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fake_kubernetes import FakeKubernetes
from tests.unit.cluster_controllers.cluster import Cluster, cluster, make_namespace, settle
from tests.virtual_time import EPOCH, clock, run

from towline.cluster.controllers.deployment_wish import read_wish
from towline.cluster.controllers.pod_rank import sacrifice_order
from towline.cluster.controllers.replica_set import ReplicaSetController
from towline.cluster.controllers.rollout_size import SetSize, new_size, old_sizes
from towline.cluster.controllers.template_hash import same_template, template_hash
from towline.cluster.event_recorder import EventRecorder
from towline.cluster.kubernetes import Object
from towline.cluster.object_key import ObjectKey
from towline.cluster.reflector import Reflector, Selection
from towline.cluster.resources import PODS, REPLICA_SETS
from towline.kube.event import EventSource
from towline.kube.timestamp import to_second

TEMPLATE = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {"containers": [{"name": "main", "image": "one"}]},
}


def _set(replicas: int = 3, **spec: Any) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": TEMPLATE,
            **spec,
        },
    }


def _stray(name: str, **labels: str) -> Object:
    return {"metadata": {"name": name, "labels": labels}, "spec": TEMPLATE["spec"]}


async def _create(held: Cluster, body: Object) -> None:
    await held.kubernetes.create(REPLICA_SETS, "demo", body)
    await settle(5)


async def _status(held: Cluster) -> Object:
    found: Object = (await held.kubernetes.get(REPLICA_SETS, "demo", "web"))["status"]
    return found


def test_pods_are_made_and_removed_to_the_number_asked_for_and_told_one_by_one() -> None:
    """The events name them."""

    async def scenario() -> None:
        async with cluster() as held:
            await _create(held, _set())
            names = {pod["metadata"]["name"] for pod in held.pods()}
            await held.kubernetes.patch(REPLICA_SETS, "demo", "web", {"spec": {"replicas": 1}})
            await settle(5)
            [left] = held.pods()

            assert set(held.said("SuccessfulCreate")) == {f"Created pod: {name}" for name in names}
            assert set(held.said("SuccessfulDelete")) == {
                f"Deleted pod: {name}" for name in names - {left["metadata"]["name"]}
            }

    run(scenario())


def test_a_pod_that_ended_is_replaced_and_one_that_nobody_controls_is_taken_in() -> None:
    """What matches the selector counts, whoever made it."""

    async def scenario() -> None:
        async with cluster() as held:
            await held.kubernetes.create(PODS, "demo", _stray("stray", app="web"))
            await _create(held, _set(2))
            taken = {pod["metadata"]["name"] for pod in held.pods()}
            failed = {"status": {"phase": "Failed"}}
            await held.kubernetes.patch(PODS, "demo", "stray", failed, subresource="status")
            await settle(5)

            assert len(taken) == 2
            assert "stray" in taken
            assert (await _status(held))["readyReplicas"] == 2
            assert len(held.pods()) == 3

    run(scenario())


def test_a_pod_whose_label_is_taken_off_is_let_go_and_replaced() -> None:
    """That is how one takes a pod aside to look at it."""

    async def scenario() -> None:
        async with cluster() as held:
            await _create(held, _set(2))
            aside = held.pods()[0]["metadata"]["name"]
            await held.kubernetes.patch(PODS, "demo", aside, {"metadata": {"labels": None}})
            await settle(5)
            pod = await held.kubernetes.get(PODS, "demo", aside)

            assert not pod["metadata"]["ownerReferences"]
            assert len(held.pods()) == 3

    run(scenario())


def test_a_pod_is_available_when_it_has_been_ready_for_long_enough() -> None:
    """Without any change that would say so."""

    async def scenario() -> None:
        async with cluster() as held:
            await _create(held, _set(1, minReadySeconds=30))
            early = await _status(held)
            await settle(30)

            assert (early["readyReplicas"], early.get("availableReplicas")) == (1, None)
            assert (await _status(held))["availableReplicas"] == 1

    run(scenario())


def test_a_pod_that_is_leaving_is_not_counted_though_the_copy_still_shows_it() -> None:
    """Else another would be sent away in its place, when meanwhile that one seems the lesser loss."""

    async def scenario() -> None:
        kubernetes = FakeKubernetes(clock)
        await make_namespace(kubernetes, "demo")
        copies = {one: Reflector(kubernetes, Selection(one)) for one in (PODS, REPLICA_SETS)}
        events = EventRecorder(kubernetes, EventSource("test"), clock)
        controller = ReplicaSetController(kubernetes, copies, events, clock)
        copies[REPLICA_SETS].learn(await kubernetes.create(REPLICA_SETS, "demo", _set(3)))
        await controller.reconcile(ObjectKey("demo", "web"))
        scaled = {"spec": {"replicas": 2}}
        written = await kubernetes.patch(REPLICA_SETS, "demo", "web", scaled)
        copies[REPLICA_SETS].learn(written)
        await controller.reconcile(ObjectKey("demo", "web"))
        others = kubernetes.all(PODS)
        body = {"status": {"containerStatuses": [{"restartCount": 5}]}}
        for pod in others:  # now the one that left would be the last to go
            copies[PODS].learn(
                await kubernetes.patch(
                    PODS, "demo", pod["metadata"]["name"], body, subresource="status"
                )
            )
        await controller.reconcile(ObjectKey("demo", "web"))

        assert len(copies[PODS].list()) == 3
        assert len(others) == len(kubernetes.all(PODS)) == 2

    run(scenario())


def _pod(name: str, age: float = 100, ready: float | None = 50, **more: Any) -> Object:
    conditions = []
    if ready is not None:
        since = to_second(EPOCH - ready)
        conditions = [{"type": "Ready", "status": "True", "lastTransitionTime": since}]
    return {
        "metadata": {
            "name": name,
            "creationTimestamp": to_second(EPOCH - age),
            "annotations": more.get("annotations"),
        },
        "spec": {"nodeName": more.get("node", "n")},
        "status": {
            "phase": more.get("phase", "Running"),
            "conditions": conditions,
            "containerStatuses": [{"restartCount": more.get("restarts", 0)}],
        },
    }


@pytest.mark.parametrize(
    ("first", "then"),
    [
        pytest.param(_pod("a", node=""), _pod("b"), id="without a node"),
        pytest.param(_pod("a", phase="Pending"), _pod("b", phase="Unknown"), id="pending"),
        pytest.param(_pod("a", phase="Unknown"), _pod("b"), id="unknown"),
        pytest.param(_pod("a", ready=None), _pod("b"), id="not ready"),
        pytest.param(
            _pod("a", annotations={"controller.kubernetes.io/pod-deletion-cost": "-1"}),
            _pod("b", ready=1),
            id="cheaper",
        ),
        pytest.param(_pod("a", ready=10), _pod("b", ready=20), id="ready for a shorter time"),
        pytest.param(_pod("a", restarts=5), _pod("b"), id="restarted more often"),
        pytest.param(_pod("a", age=10), _pod("b", age=20), id="younger"),
        pytest.param(_pod("a"), _pod("b"), id="by name"),
    ],
)
def test_the_pod_that_is_missed_least_goes_first(first: Object, then: Object) -> None:
    """In the order of Kubernetes' ActivePodsWithRanks."""
    assert sacrifice_order(first) < sacrifice_order(then)


SIZES = st.integers(0, 30)


@given(replicas=SIZES, surge=st.integers(0, 9), unavailable=st.integers(0, 9), data=st.data())
def test_one_step_of_a_rollout_stays_within_its_bounds(
    replicas: int, surge: int, unavailable: int, data: st.DataObject
) -> None:
    """Whatever sizes there are: growing never exceeds the most, shrinking never the least."""
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    body: Object = {"spec": {"replicas": replicas, "strategy": {"rollingUpdate": rolling}}}
    wish = read_wish(body)
    wanted = data.draw(st.lists(SIZES, min_size=1, max_size=4))
    sets = [
        SetSize(str(number), str(number), size, data.draw(st.integers(0, size)))
        for number, size in enumerate(wanted)
    ]
    new, old = sets[0], sets[1:]
    total, available = sum(wanted), sum(one.available for one in sets)
    grown = new_size(wish, new.wanted, total)
    shrunk = old_sizes(wish, new, old)
    lost = sum(max(0, one.available - shrunk[one.name]) for one in old)

    assert total - new.wanted + grown <= max(total, wish.most)
    assert grown <= max(new.wanted, replicas)
    assert available - lost >= min(available, wish.least_available)
    assert all(0 <= shrunk[one.name] <= one.wanted for one in old)


@pytest.mark.parametrize(
    ("surge", "unavailable", "replicas", "expected"),
    [
        pytest.param("25%", "25%", 3, (1, 0), id="up and down"),
        pytest.param("25%", "25%", 10, (3, 2), id="of ten"),
        pytest.param(0, "1%", 3, (0, 1), id="something must move"),
        pytest.param(2, 9, 3, (2, 3), id="not more than there are"),
        pytest.param("100%", 0, 4, (4, 0), id="all at once"),
    ],
)
def test_percentages_are_rounded_up_for_surge_and_down_for_what_may_be_missing(
    surge: int | str, unavailable: int | str, replicas: int, expected: tuple[int, int]
) -> None:
    """And if both came to nothing, one pod may be missing."""
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    body: Object = {"spec": {"replicas": replicas, "strategy": {"rollingUpdate": rolling}}}
    wish = read_wish(body)

    assert (wish.max_surge, wish.max_unavailable) == expected


def test_the_template_hash_tells_templates_apart_and_ignores_its_own_label() -> None:
    """It is written with Kubernetes' letters, of which no word can be made."""
    marked = {"metadata": {"labels": {"app": "web", "pod-template-hash": "x"}}, "spec": {}}
    bare = {"metadata": {"labels": {"app": "web"}, "creationTimestamp": None}, "spec": {}}
    hashes = {template_hash(TEMPLATE, None), template_hash(TEMPLATE, 1), template_hash(bare, None)}

    assert same_template(marked, bare)
    assert not same_template(marked, TEMPLATE)
    assert len(hashes) == 3
    assert set("".join(hashes)) <= set("bcdfghjklmnpqrstvwxz2456789")


def test_many_pods_are_made_in_growing_batches() -> None:
    """If the first cannot be made, a hundred others are not tried."""

    async def scenario() -> None:
        async with cluster() as held:
            await _create(held, _set(250))
            await settle(10)

            assert len(held.pods()) == 250

    run(scenario())
