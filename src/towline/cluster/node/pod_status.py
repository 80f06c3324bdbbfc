"""A pod's status, computed whole from what a node knows, every time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from towline.cluster.node.condition import Condition, initialized, merged, readiness
from towline.cluster.node.container_state import ContainerState
from towline.cluster.node.container_status import container_status, is_sidecar
from towline.cluster.node.phase import Containers, phase_of
from towline.kube.pod import Phase, Pod
from towline.kube.timestamp import to_second

Object = dict[str, Any]
FINAL = frozenset({Phase.SUCCEEDED, Phase.FAILED})


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a node ended a pod that might have run on."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What a status is made from."""

    pod: Pod
    states: Mapping[str, ContainerState]
    host: str
    """The node's address."""
    seen_at: float
    """When the node first saw the pod."""
    address: str = ""
    over: bool = False
    """Whether nothing runs and nothing will be started."""
    verdict: Verdict | None = None


def pod_status(facts: Facts, now: float) -> Object:
    """The fields of the status that belong to the node; None for those that must not be there."""
    pod, states, held = facts.pod, facts.states, facts.pod.status
    phase = _phase(facts)
    init = [container_status(pod, one, states[one.name]) for one in pod.spec.init_containers]
    main = [container_status(pod, one, states[one.name]) for one in pod.spec.containers]
    lasting = {one.name for one in pod.spec.init_containers if is_sidecar(one)}
    counted = [status for status in init if status["name"] in lasting] + main
    has_sandbox = bool(facts.address) and phase not in FINAL
    conditions = [
        Condition("PodReadyToStartContainers", is_true=has_sandbox),
        initialized(_incomplete(facts), phase),
        readiness("Ready", counted, phase),
        readiness("ContainersReady", counted, phase),
        Condition("PodScheduled"),
    ]
    return {
        "phase": phase.value,
        "conditions": merged(conditions, held.get("conditions") or (), now),
        "startTime": held.get("startTime") or to_second(facts.seen_at),
        "hostIP": facts.host,
        "hostIPs": [{"ip": facts.host}],
        "podIP": facts.address or None,
        "podIPs": [{"ip": facts.address}] if facts.address else None,
        "initContainerStatuses": init or None,
        "containerStatuses": main,
        "reason": facts.verdict.reason if facts.verdict else None,
        "message": facts.verdict.message if facts.verdict else None,
    }


def differs(wanted: Mapping[str, Any], held: Mapping[str, Any]) -> bool:
    """Whether the API's status has to be written."""
    return any(
        _without_nulls(held.get(key)) != _without_nulls(value) for key, value in wanted.items()
    )


def _phase(facts: Facts) -> Phase:
    """A phase that was final stays."""
    held = facts.pod.status.get("phase")
    if held in FINAL:
        return Phase(held)
    if facts.verdict:
        return Phase.FAILED if facts.over else _computed(facts)
    return _computed(facts)


def _computed(facts: Facts) -> Phase:
    spec, states = facts.pod.spec, facts.states
    containers = Containers(
        tuple(states[one.name] for one in spec.init_containers if not is_sidecar(one)),
        tuple(states[one.name] for one in spec.init_containers if is_sidecar(one)),
        tuple(states[one.name] for one in spec.containers),
    )
    return phase_of(containers, spec.restart_policy, over=facts.over)


def _incomplete(facts: Facts) -> list[str]:
    spec, states = facts.pod.spec, facts.states
    if any(states[one.name].run for one in spec.containers):
        return []
    return [
        one.name
        for one in spec.init_containers
        if not _is_complete(states[one.name], lasting=is_sidecar(one))
    ]


def _is_complete(state: ContainerState, *, lasting: bool) -> bool:
    if state.run is None:
        return False
    if lasting:
        return state.is_running and state.health.started
    return state.run.exit is not None and state.run.exit.code == 0


def _without_nulls(value: Any) -> Any:
    """In the API's JSON null, and an empty object where Go omits one, mean that a field is absent."""
    if isinstance(value, dict):
        return {key: _without_nulls(part) for key, part in value.items() if part is not None}
    if isinstance(value, list):
        return [_without_nulls(part) for part in value]
    return value
