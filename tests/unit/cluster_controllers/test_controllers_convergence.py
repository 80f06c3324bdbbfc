"""Whatever happens on the way, a Deployment ends with its pods, and is never far from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.cluster_controllers.cluster import (
    Cluster,
    cluster,
    deployment,
    image_of,
    is_ready,
    settle,
    with_image,
)
from tests.virtual_time import run

from towline.cluster.controllers.deployment_wish import read_wish
from towline.cluster.controllers.pod_rank import is_active
from towline.cluster.kubernetes import ApiError, Object, Unreachable
from towline.cluster.object_key import key_of
from towline.cluster.resources import DEPLOYMENTS, PODS

TROUBLES = (Unreachable("connection refused"), ApiError(500, "InternalError", "disk full"))

NEW_TEMPLATES = st.tuples(st.just("roll"), st.integers(0, 3))
NUISANCES = st.one_of(
    st.tuples(st.just("wait"), st.floats(0, 5)),
    st.tuples(st.just("trouble"), st.integers(0, 1)),
    st.tuples(st.just("forget"), st.just(0)),
    st.tuples(st.just("restart"), st.just(0)),
)
LOSSES = st.one_of(
    st.tuples(st.just("delete"), st.integers(0, 20)),
    st.tuples(st.just("fail"), st.integers(0, 20)),
)
LAGS = st.sampled_from([0.0, 0.2, 0.9])
BOUNDS = st.one_of(st.integers(0, 3), st.sampled_from(["0%", "25%", "50%", "100%"]))


@dataclass
class Watchman:
    """Counts the Deployment's pods after every single change."""

    held: Cluster
    wish_most: int
    wish_least: int
    most: int = 0
    least: int | None = None

    def look(self) -> None:
        """Remember the extremes; the least only from the first time that there were enough."""
        pods = [pod for pod in self.held.kubernetes.all(PODS) if is_active(pod)]
        ready = sum(map(is_ready, pods))
        self.most = max(self.most, len(pods))
        if self.least is not None or ready >= self.wish_least:
            self.least = min(ready, self.least if self.least is not None else ready)


async def _do(held: Cluster, what: str, number: Any) -> None:
    kubernetes = held.kubernetes
    match what:
        case "roll":
            await kubernetes.patch(DEPLOYMENTS, "demo", "web", with_image(f"v{number}"))
        case "wait":
            await settle(number)
        case "trouble":
            kubernetes.trouble = TROUBLES[number]
            await settle(2)
            kubernetes.trouble = None
        case "forget":
            kubernetes.forget_history()
        case "restart":
            await held.restart_controllers()
        case _:
            await _lose(held, what, number)


async def _lose(held: Cluster, what: str, number: int) -> None:
    pods = [pod for pod in held.kubernetes.all(PODS) if is_active(pod)]
    if not pods:
        return
    key = key_of(pods[number % len(pods)])
    if what == "delete":
        await held.kubernetes.delete(PODS, *key)
    else:
        failed = {"status": {"phase": "Failed", "conditions": None}}
        await held.kubernetes.patch(PODS, *key, failed, subresource="status")


def _spec(replicas: int, surge: int | str, unavailable: int | str) -> Object:
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    return {"replicas": replicas, "strategy": {"rollingUpdate": rolling}}


async def _live_through(body: Object, happenings: list[tuple[str, Any]], lag: float) -> Watchman:
    """What the watchman saw; the pods must be right in the end."""
    wish = read_wish(body)
    async with cluster() as held:
        watchman = Watchman(held, wish.most, wish.least_available)
        held.kubernetes.lag = lag
        held.kubernetes.witnesses.append(watchman.look)
        await held.kubernetes.create(DEPLOYMENTS, "demo", body)
        await settle(10)
        for what, number in happenings:
            await _do(held, what, number)
        await settle(90)
        newest = image_of({"spec": (await held.deployment())["spec"]["template"]["spec"]})
        pods = [pod for pod in held.kubernetes.all(PODS) if is_active(pod)]

        assert [image_of(pod) for pod in pods] == [newest] * wish.replicas
        assert all(map(is_ready, pods))
    return watchman


@settings(max_examples=40, deadline=None)
@given(
    replicas=st.integers(0, 6),
    surge=BOUNDS,
    unavailable=BOUNDS,
    happenings=st.lists(st.one_of(NEW_TEMPLATES, NUISANCES, LOSSES), max_size=12),
    lag=LAGS,
)
def test_a_deployment_converges_and_never_has_more_pods_than_its_surge_allows(
    replicas: int,
    surge: int | str,
    unavailable: int | str,
    happenings: list[tuple[str, Any]],
    lag: float,
) -> None:
    """Pods are killed, the API fails and forgets, controllers die, templates change on the way."""
    body = deployment(**_spec(replicas, surge, unavailable))
    watchman = run(_live_through(body, happenings, lag))

    assert watchman.most <= watchman.wish_most


@settings(max_examples=40, deadline=None)
@given(
    replicas=st.integers(1, 6),
    surge=BOUNDS,
    unavailable=BOUNDS,
    happenings=st.lists(st.one_of(NEW_TEMPLATES, NUISANCES), max_size=12),
    lag=LAGS,
)
def test_a_rollout_never_takes_more_pods_away_than_may_be_unavailable(
    replicas: int,
    surge: int | str,
    unavailable: int | str,
    happenings: list[tuple[str, Any]],
    lag: float,
) -> None:
    """As long as nobody else kills pods, enough of them are ready at every moment."""
    body = deployment(**_spec(replicas, surge, unavailable))
    watchman = run(_live_through(body, happenings, lag))

    assert watchman.least is not None
    assert watchman.least >= watchman.wish_least
    assert watchman.most <= watchman.wish_most


@settings(max_examples=25, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 8), min_size=1, max_size=6),
    happenings=st.lists(st.one_of(NEW_TEMPLATES, NUISANCES, LOSSES), min_size=6, max_size=6),
)
def test_a_deployment_that_is_scaled_while_all_this_happens_ends_with_the_last_size(
    sizes: list[int], happenings: list[tuple[str, Any]]
) -> None:
    """Every size that is asked for on the way is forgotten."""

    async def scenario() -> int:
        async with cluster() as held:
            await held.kubernetes.create(DEPLOYMENTS, "demo", deployment())
            for size, (what, number) in zip(sizes, happenings, strict=False):
                body = {"spec": {"replicas": size}}
                await held.kubernetes.patch(DEPLOYMENTS, "demo", "web", body)
                await _do(held, what, number)
            await settle(90)
            return sum(map(is_active, held.kubernetes.all(PODS)))

    assert run(scenario()) == sizes[-1]
