"""A pod's phase: the kubelet's `getPhase` (`pkg/kubelet/kubelet_pods.go`), rule by rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from towline.cluster.node.container_state import ContainerState
from towline.kube.pod import Phase, RestartPolicy


class _Standing(Enum):
    """What the phase makes of a container."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Containers:
    """The states of a pod's containers by their place."""

    init: tuple[ContainerState, ...]
    sidecars: tuple[ContainerState, ...]
    main: tuple[ContainerState, ...]


def phase_of(containers: Containers, policy: RestartPolicy, *, over: bool) -> Phase:
    """The phase; `over` when nothing will be started any more."""
    init = _standings(containers.init)
    if _Standing.FAILED in init and (over or policy is RestartPolicy.NEVER):
        return Phase.FAILED
    main = _standings(containers.main)
    has_begun = any(state.run is not None for state in containers.main)
    if not has_begun and (_pends(init) or _sidecars_pend(containers.sidecars)):
        return Phase.FAILED if over else Phase.PENDING
    if _Standing.WAITING in main:
        return Phase.FAILED if over else Phase.PENDING
    if _Standing.RUNNING in main or any(state.is_running for state in containers.sidecars):
        return Phase.RUNNING
    return _ended(main, policy, over=over)


def _ended(main: list[_Standing], policy: RestartPolicy, *, over: bool) -> Phase:
    good = all(one is _Standing.SUCCEEDED for one in main)
    if over:
        return Phase.SUCCEEDED if good else Phase.FAILED
    if policy is RestartPolicy.ALWAYS:
        return Phase.RUNNING
    if good:
        return Phase.SUCCEEDED
    return Phase.FAILED if policy is RestartPolicy.NEVER else Phase.RUNNING


def _standings(states: Iterable[ContainerState]) -> list[_Standing]:
    return [_standing(state) for state in states]


def _standing(state: ContainerState) -> _Standing:
    """A container that waits for another run counts as what its last run came to."""
    if state.run is None:
        return _Standing.WAITING
    if state.run.exit is None:
        return _Standing.RUNNING
    return _Standing.FAILED if state.run.exit.code else _Standing.SUCCEEDED


def _pends(init: list[_Standing]) -> bool:
    return any(one is not _Standing.SUCCEEDED for one in init)


def _sidecars_pend(sidecars: Iterable[ContainerState]) -> bool:
    return any(
        state.run is None or (state.is_running and not state.health.started) for state in sidecars
    )
