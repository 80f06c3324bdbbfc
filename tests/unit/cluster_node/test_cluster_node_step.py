"""The next step of a pod, whatever happens: nothing runs twice, and nothing is left alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towline.cluster.node.step import (
    ALIVE,
    Abandon,
    ContainerView,
    Open,
    Place,
    PodView,
    Settle,
    Situation,
    Start,
    Step,
    Stop,
    decide,
    restarts,
)
from towline.kube.pod import RestartPolicy


def view(*containers: ContainerView, policy: RestartPolicy = RestartPolicy.ALWAYS) -> PodView:
    """An open pod."""
    return PodView(policy, containers, is_open=True)


def one(
    name: str, place: Place = Place.MAIN, situation: Situation = Situation.ABSENT
) -> ContainerView:
    """A container."""
    return ContainerView(name, place, situation)


def ended(name: str, code: int, place: Place = Place.MAIN) -> ContainerView:
    """A container that has ended."""
    return ContainerView(name, place, Situation.EXITED, exit_code=code)


@pytest.mark.parametrize(
    ("pod", "steps"),
    [
        pytest.param(PodView(RestartPolicy.ALWAYS, (one("a"),)), (Open(),), id="first the sandbox"),
        pytest.param(
            PodView(RestartPolicy.ALWAYS, (one("a"),), may_open=False), (), id="not while it opens"
        ),
        pytest.param(view(one("a"), one("b")), (Start("a"), Start("b")), id="all main containers"),
        pytest.param(
            view(one("i", Place.INIT), one("j", Place.INIT), one("a")),
            (Start("i"),),
            id="one init container at a time",
        ),
        pytest.param(
            view(ended("i", 0, Place.INIT), one("j", Place.INIT), one("a")),
            (Start("j"),),
            id="then the next",
        ),
        pytest.param(
            view(one("s", Place.SIDECAR, Situation.RUNNING), one("a")),
            (Start("a"),),
            id="a sidecar that has started lets the others run",
        ),
        pytest.param(
            view(
                replace(one("s", Place.SIDECAR, Situation.RUNNING), started=False),
                one("a"),
            ),
            (),
            id="one that has not does not",
        ),
        pytest.param(
            view(ended("s", 1, Place.SIDECAR), one("a", situation=Situation.RUNNING)),
            (Start("s"),),
            id="a sidecar that ended runs again beside the others",
        ),
        pytest.param(
            view(ended("i", 1, Place.INIT), one("a", situation=Situation.RUNNING)),
            (),
            id="who has run once is not initialized again",
        ),
        pytest.param(
            view(replace(one("a", situation=Situation.RUNNING), condemned=True)),
            (Stop("a"),),
            id="a condemned run ends",
        ),
        pytest.param(
            replace(
                view(one("a", situation=Situation.STARTING), one("b", situation=Situation.RUNNING)),
                ending=True,
            ),
            (Abandon("a"), Stop("b")),
            id="at the end everything ends",
        ),
        pytest.param(
            view(ended("a", 0), policy=RestartPolicy.NEVER), (Settle(),), id="nothing is left to do"
        ),
        pytest.param(
            view(ended("i", 2, Place.INIT), one("a"), policy=RestartPolicy.NEVER),
            (Settle(),),
            id="a failed init container ends the pod",
        ),
    ],
)
def test_the_next_steps_of_a_pod(pod: PodView, steps: tuple[Step, ...]) -> None:
    """One situation, one answer."""
    assert decide(pod) == steps


shapes = st.builds(
    lambda policy, init, main: PodView(
        policy,
        tuple(
            [one(f"i{number}", place) for number, place in enumerate(init)]
            + [one(f"m{number}") for number in range(main)]
        ),
    ),
    st.sampled_from(RestartPolicy),
    st.lists(st.sampled_from([Place.INIT, Place.SIDECAR]), max_size=3),
    st.integers(1, 3),
)


class World:
    """A pod in a world where anything may happen next."""

    def __init__(self, pod: PodView) -> None:
        self.pod = pod
        self.is_settled = False

    def take(self, steps: tuple[Step, ...]) -> None:
        """Set the steps going; none of them may be senseless."""
        for step in steps:
            match step:
                case Open():
                    assert self.pod.may_open
                    self.pod = replace(self.pod, may_open=False)
                case Start(name):
                    self._may_start(self._get(name))
                    self._set(name, situation=Situation.STARTING)
                case Abandon(name):
                    # It may be too late for that: the start ends in one way or the other.
                    assert self._get(name).situation is Situation.STARTING
                case Stop(name):
                    assert self._get(name).situation is Situation.RUNNING
                    self._set(name, situation=Situation.STOPPING)
                case Settle():
                    assert not any(held.situation in ALIVE for held in self.pod.containers)
                    self.is_settled = True

    def _may_start(self, wanted: ContainerView) -> None:
        assert wanted.situation in (Situation.ABSENT, Situation.EXITED)
        assert wanted.due
        assert self.pod.is_open
        if wanted.situation is Situation.EXITED:
            assert restarts(self.pod, wanted)

    def happenings(self) -> list[tuple[str, str]]:
        """What may happen now by itself."""
        found = []
        if not self.pod.is_open and not self.pod.may_open:
            found += [("opened", ""), ("refused", "")]
        for held in self.pod.containers:
            match held.situation:
                case Situation.STARTING:
                    found += [("begun", held.name), ("held", held.name)]
                case Situation.RUNNING:
                    found += [("well", held.name), ("badly", held.name), ("condemned", held.name)]
                case Situation.STOPPING:
                    found.append(("badly", held.name))
                case Situation.ABSENT | Situation.EXITED:
                    if not held.due:
                        found.append(("due", held.name))
        return found

    def happen(self, what: str, name: str) -> None:
        """It happens."""
        match what:
            case "opened":
                self.pod = replace(self.pod, is_open=True)
            case "refused":
                self.pod = replace(self.pod, may_open=True)
            case "begun":
                self._set(name, situation=Situation.RUNNING, condemned=False)
            case "held":
                self._set(name, situation=Situation.ABSENT, due=False)
            case "well":
                self._set(name, situation=Situation.EXITED, exit_code=0)
            case "badly":
                self._set(name, situation=Situation.EXITED, exit_code=1)
            case "condemned":
                self._set(name, condemned=True)
            case "due":
                self._set(name, due=True)

    def _get(self, name: str) -> ContainerView:
        return next(held for held in self.pod.containers if held.name == name)

    def _set(self, name: str, **changes: object) -> None:
        containers = tuple(
            replace(held, **changes) if held.name == name else held  # type: ignore[arg-type]  # by name
            for held in self.pod.containers
        )
        self.pod = replace(self.pod, containers=containers)


@given(shapes, st.data())
def test_no_pod_is_ever_stuck_and_no_container_runs_twice(
    pod: PodView, data: st.DataObject
) -> None:
    """Whatever happens in whatever order, there is a next step, something to wait for, or the end."""
    world = World(pod)
    for _ in range(data.draw(st.integers(0, 30))):
        world.take(decide(world.pod))
        happenings = world.happenings()

        assert happenings or world.is_settled
        if world.is_settled:
            return
        world.happen(*data.draw(st.sampled_from(happenings)))


@given(shapes, st.data())
def test_a_pod_that_has_to_end_ends(pod: PodView, data: st.DataObject) -> None:
    """Deleted at any time, nothing is started any more, and soon nothing runs."""
    world = World(pod)
    for _ in range(data.draw(st.integers(0, 15))):
        world.take(decide(world.pod))
        if happenings := world.happenings():
            world.happen(*data.draw(st.sampled_from(happenings)))
    world.pod = replace(world.pod, ending=True)
    world.is_settled = False
    for _ in range(50):
        steps = decide(world.pod)

        assert not any(isinstance(step, Start | Open) for step in steps)
        world.take(steps)
        if world.is_settled:
            return
        if ends := [one for one in world.happenings() if one[0] in ("begun", "held", "badly")]:
            world.happen(*data.draw(st.sampled_from(ends)))
    pytest.fail("the pod never settled")
