"""Small things that must be exact: spans of time, pauses, and what a status is made from."""

from __future__ import annotations

from typing import Any

import pytest

from towline.cluster.node.back_off import BackOff
from towline.cluster.node.container_state import ContainerState, Health, Run, Waiting
from towline.cluster.node.phase import Containers, phase_of
from towline.cluster.node.pod_status import Facts, differs, pod_status
from towline.cluster.node.provider import Exit
from towline.cluster.node.restore import restored
from towline.cluster.node.texts import duration
from towline.kube.pod import Phase, Pod, RestartPolicy


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0s"),
        (0.0004, "0s"),
        (0.015, "15ms"),
        (1.0, "1s"),
        (1.2, "1.2s"),
        (11.5089, "11.508s"),
        (80.0, "1m20s"),
        (300.0, "5m0s"),
        (3723.5, "1h2m3.5s"),
    ],
)
def test_spans_are_written_as_go_writes_them(seconds: float, text: str) -> None:
    """Cut to whole milliseconds."""
    assert duration(seconds) == text


def test_a_pause_doubles_up_to_five_minutes_and_is_forgotten_after_ten() -> None:
    """As client-go has it."""
    back_off, now = BackOff(), 1000.0
    lengths = []
    for _ in range(7):
        back_off.failed("key", now)
        lengths.append(back_off.seconds("key"))
        assert back_off.holds("key", now + lengths[-1] - 0.1)
        assert not back_off.holds("key", now + lengths[-1])
        now += lengths[-1]

    assert lengths == [10, 20, 40, 80, 160, 300, 300]
    assert not back_off.holds("other", now)
    back_off.failed("key", now + 601)
    assert back_off.seconds("key") == 10


NONE = ContainerState()
RUNS = ContainerState(Run(0, "x", None, 1.0))
STARTS_UP = ContainerState(Run(0, "x", None, 1.0), health=Health(started=False))
WELL = ContainerState(Run(0, "x", None, 1.0, Exit(0, "Completed", "", 1.0, 2.0)))
BADLY = ContainerState(Run(0, "x", None, 1.0, Exit(1, "Error", "", 1.0, 2.0)))
ALWAYS, NEVER, ON_FAILURE = RestartPolicy.ALWAYS, RestartPolicy.NEVER, RestartPolicy.ON_FAILURE


@pytest.mark.parametrize(
    ("init", "sidecars", "main", "policy", "phase"),
    [
        pytest.param((), (), (NONE,), ALWAYS, Phase.PENDING, id="nothing has run"),
        pytest.param((), (), (RUNS, NONE), ALWAYS, Phase.PENDING, id="one has not run yet"),
        pytest.param((), (), (RUNS, WELL), NEVER, Phase.RUNNING, id="one still runs"),
        pytest.param((), (), (WELL, WELL), NEVER, Phase.SUCCEEDED, id="all is done"),
        pytest.param((), (), (WELL, BADLY), NEVER, Phase.FAILED, id="one has failed"),
        pytest.param((), (), (WELL, BADLY), ON_FAILURE, Phase.RUNNING, id="one will run again"),
        pytest.param((), (), (WELL,), ALWAYS, Phase.RUNNING, id="it will always run again"),
        pytest.param((RUNS,), (), (NONE,), ALWAYS, Phase.PENDING, id="initializing"),
        pytest.param((BADLY,), (), (NONE,), NEVER, Phase.FAILED, id="not to be initialized"),
        pytest.param((BADLY,), (), (NONE,), ALWAYS, Phase.PENDING, id="initialized later"),
        pytest.param((), (STARTS_UP,), (NONE,), ALWAYS, Phase.PENDING, id="a sidecar starts up"),
        pytest.param((), (RUNS,), (WELL,), NEVER, Phase.RUNNING, id="a sidecar still runs"),
        pytest.param((), (BADLY,), (WELL,), NEVER, Phase.SUCCEEDED, id="a sidecar does not count"),
    ],
)
def test_the_phase_of_a_pod(
    init: tuple[ContainerState, ...],
    sidecars: tuple[ContainerState, ...],
    main: tuple[ContainerState, ...],
    policy: RestartPolicy,
    phase: Phase,
) -> None:
    """The kubelet's table."""
    assert phase_of(Containers(init, sidecars, main), policy, over=False) is phase


def web(**status: Any) -> Pod:
    """A pod with one container."""
    return Pod.parse(
        {
            "metadata": {"name": "x", "namespace": "demo", "uid": "u"},
            "spec": {"containers": [{"name": "web", "image": "r.example/web:1"}]},
            "status": status,
        }
    )


def told(state: ContainerState) -> dict[str, Any]:
    """The status that one container's state gives."""
    return pod_status(Facts(web(), {"web": state}, "127.0.0.1", 0.0, "10.0.0.2"), 100.0)


def test_a_status_survives_being_read_back() -> None:
    """What a node writes, its successor understands, and has nothing to write anew."""
    crashed = ContainerState(
        run=BADLY.run, waiting=Waiting("CrashLoopBackOff", "back-off"), try_at=500.0
    )
    for state in (RUNS, WELL, BADLY, crashed):
        status = told(state)
        held = restored(web(**status), None, 100.0)["web"]

        assert held.run is not None
        assert held.run.attempt == 0
        assert not held.is_running
    assert not differs(told(BADLY), told(BADLY) | {"qosClass": "BestEffort"})
    assert differs(told(BADLY), told(RUNS))


def test_times_of_conditions_change_with_their_status_only() -> None:
    """What was true before has been true since then."""
    first = told(RUNS)
    pod = web(**first)
    later = pod_status(Facts(pod, {"web": RUNS}, "127.0.0.1", 0.0, "10.0.0.2"), 900.0)
    ended = pod_status(Facts(pod, {"web": BADLY}, "127.0.0.1", 0.0, "10.0.0.2"), 900.0)
    ready = next(one for one in ended["conditions"] if one["type"] == "Ready")
    initialized = next(one for one in ended["conditions"] if one["type"] == "Initialized")

    assert later == first
    assert ready["lastTransitionTime"] == "1970-01-01T00:15:00Z"
    assert initialized["lastTransitionTime"] == "1970-01-01T00:01:40Z"
