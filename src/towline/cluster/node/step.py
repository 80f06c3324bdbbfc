"""What to do next for a pod: a pure function of what is wanted and what stands.

It is asked again after everything that happens, and may be asked at any time: it never relies on
what it said before. Starting, stopping and opening take time; while something is under way for a
container, nothing else is decided for it. So a container never runs twice at once, and a pod is
never left alone: there is a step to take, something under way, a time at which a retry is due, or
nothing left to do for good.

The rules are those of the kubelet's `computePodActions` and `killContainersWithSyncResult`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from towline.kube.pod import RestartPolicy


class Situation(Enum):
    """Where a container is."""

    ABSENT = "absent"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    EXITED = "exited"


ALIVE = frozenset({Situation.STARTING, Situation.RUNNING, Situation.STOPPING})


class Place(Enum):
    """Where a container is in its pod's specification."""

    INIT = "init"
    SIDECAR = "sidecar"
    MAIN = "main"


@dataclass(frozen=True, slots=True)
class ContainerView:
    """A container as far as decisions go."""

    name: str
    place: Place
    situation: Situation = Situation.ABSENT
    exit_code: int = 0
    due: bool = True
    """Whether a start may be tried now."""
    started: bool = True
    """Of a running one: whether its startup probe, if it has one, has succeeded."""
    condemned: bool = False
    """Of a running one: whether it has to end."""
    renewed: bool = False
    """Whether another run follows, however this one ends."""


@dataclass(frozen=True, slots=True)
class PodView:
    """A pod as far as decisions go."""

    policy: RestartPolicy
    containers: tuple[ContainerView, ...]
    """The init containers first, in the specification's order."""
    is_open: bool = False
    may_open: bool = True
    ending: bool = False
    """Whether everything has to end, whatever the containers do."""

    def at(self, *places: Place) -> tuple[ContainerView, ...]:
        """The containers of some places."""
        return tuple(one for one in self.containers if one.place in places)


@dataclass(frozen=True, slots=True)
class Open:
    """Give the pod its namespaces."""


@dataclass(frozen=True, slots=True)
class Start:
    """Try to run a container."""

    container: str


@dataclass(frozen=True, slots=True)
class Abandon:
    """Give up a start that is still waiting for its image."""

    container: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Make a running container end."""

    container: str


@dataclass(frozen=True, slots=True)
class Settle:
    """Nothing runs, and nothing will."""


Step = Open | Start | Abandon | Stop | Settle


def decide(view: PodView) -> tuple[Step, ...]:
    """The steps to take now."""
    if view.ending or is_over(view):
        return _wind_down(view)
    if not view.is_open:
        return (Open(),) if view.may_open else ()
    condemned = [
        Stop(one.name)
        for one in view.containers
        if one.condemned and one.situation is Situation.RUNNING
    ]
    return (*condemned, *_starts(view))


def is_over(view: PodView) -> bool:
    """Whether the containers that count have ended for good."""
    if _init_failed(view):
        return True
    main = view.at(Place.MAIN)
    return all(one.situation is Situation.EXITED and not restarts(view, one) for one in main)


def is_initialized(view: PodView) -> bool:
    """Whether the main containers may run, or have run."""
    if any(one.situation is not Situation.ABSENT for one in view.at(Place.MAIN)):
        return True
    return all(_is_passed(one) for one in view.at(Place.INIT, Place.SIDECAR))


def restarts(view: PodView, one: ContainerView) -> bool:
    """Whether another run follows when this container has ended."""
    if one.renewed:
        return True
    match one.place:
        case Place.SIDECAR:
            return True
        case Place.INIT:
            return one.exit_code != 0 and view.policy is not RestartPolicy.NEVER
        case Place.MAIN:
            if view.policy is RestartPolicy.ON_FAILURE:
                return one.exit_code != 0
            return view.policy is RestartPolicy.ALWAYS


def _starts(view: PodView) -> list[Step]:
    starts: list[Step] = []
    initialized = is_initialized(view)
    for one in view.at(Place.INIT, Place.SIDECAR):
        if one.place is Place.SIDECAR or not initialized:
            starts += _start(view, one)
        if not initialized and not _is_passed(one):
            return starts
    for one in view.at(Place.MAIN):
        starts += _start(view, one)
    return starts


def _start(view: PodView, one: ContainerView) -> list[Step]:
    wanted = one.situation is Situation.ABSENT or (
        one.situation is Situation.EXITED and restarts(view, one)
    )
    return [Start(one.name)] if wanted and one.due else []


def _is_passed(one: ContainerView) -> bool:
    """Whether the container after this one may start."""
    if one.place is Place.SIDECAR:
        return one.situation is Situation.RUNNING and one.started
    return one.situation is Situation.EXITED and one.exit_code == 0


def _init_failed(view: PodView) -> bool:
    return not is_initialized(view) and any(
        one.situation is Situation.EXITED and one.exit_code != 0 and not restarts(view, one)
        for one in view.at(Place.INIT)
    )


def _wind_down(view: PodView) -> tuple[Step, ...]:
    """Everything else ends together, then the sidecars, the last one first."""
    first = [one for one in view.at(Place.INIT, Place.MAIN) if one.situation in ALIVE]
    waiting = [one for one in view.at(Place.SIDECAR) if one.situation is Situation.STARTING]
    if first:
        return tuple(_ends([*first, *waiting]))
    sidecars = [one for one in view.at(Place.SIDECAR) if one.situation in ALIVE]
    if sidecars:
        return tuple(_ends([*waiting, sidecars[-1]]))
    return (Settle(),)


def _ends(containers: list[ContainerView]) -> list[Step]:
    steps: dict[Step, None] = {}
    for one in containers:
        if one.situation is Situation.STARTING:
            steps[Abandon(one.name)] = None
        if one.situation is Situation.RUNNING:
            steps[Stop(one.name)] = None
    return list(steps)
