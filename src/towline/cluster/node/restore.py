"""What is known of a pod's containers when a node begins with it: nothing, or what an earlier process
left standing, and what that process had written into the status.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from towline.cluster.node import texts
from towline.cluster.node.container_state import ContainerState, Health, Run
from towline.cluster.node.provider import Exit, StandingContainer, StandingPod
from towline.kube.pod import Container, Pod
from towline.kube.timestamp import seconds_of
from towline.oci.reference import InvalidReference, Reference

LOST_CODE = 137

Object = Mapping[str, Any]


def restored(pod: Pod, standing: StandingPod | None, now: float) -> dict[str, ContainerState]:
    """The state of every container of the pod, by name."""
    statuses = {
        status["name"]: status
        for key in ("initContainerStatuses", "containerStatuses")
        for status in pod.status.get(key) or ()
    }
    found = standing.containers if standing else ()
    states = {}
    for container in (*pod.spec.init_containers, *pod.spec.containers):
        own = [one for one in found if one.id.name == container.name]
        told = statuses.get(container.name)
        states[container.name] = _state(container, own, told, now)
    return states


def _state(
    container: Container, found: Iterable[StandingContainer], told: Object | None, now: float
) -> ContainerState:
    attempts = {one.id.attempt: _standing_run(container, one) for one in found}
    for run in _told_runs(container, told or {}, now):
        attempts.setdefault(run.attempt, run)
    if not attempts:
        return ContainerState()
    newest = max(attempts)
    earlier = [attempt for attempt in attempts if attempt < newest]
    run = attempts[newest]
    return ContainerState(
        run=run,
        previous=attempts[max(earlier)] if earlier else None,
        health=_health(container, told, run),
    )


def _health(container: Container, told: Object | None, run: Run) -> Health:
    """A container that was well is well until a probe says otherwise."""
    same = bool(told) and (told or {}).get("restartCount") == run.attempt
    return Health(
        started=container.startup_probe is None or (same and bool((told or {}).get("started"))),
        ready=container.readiness_probe is None or (same and bool((told or {}).get("ready"))),
    )


def _standing_run(container: Container, one: StandingContainer) -> Run:
    text = container.image
    if _normal(text) != one.image.reference:
        text = one.image.reference
    return Run(one.id.attempt, text, one.image, one.started_at, one.exit)


def _told_runs(container: Container, status: Object, now: float) -> list[Run]:
    """The runs that the status tells of; one that was going on and does not stand was lost."""
    count, state = status.get("restartCount", 0), status.get("state") or {}
    last = (status.get("lastState") or {}).get("terminated")
    runs = []
    if "running" in state:
        began = seconds_of(state["running"]["startedAt"])
        lost = Exit(LOST_CODE, texts.LOST, texts.LOST_MESSAGE, began, now)
        runs.append(Run(count, container.image, None, began, lost))
    if "terminated" in state:
        runs.append(_ended_run(count, container, state["terminated"]))
    if last:
        attempt = count if "waiting" in state else count - 1
        runs.append(_ended_run(max(attempt, 0), container, last))
    return runs


def _ended_run(attempt: int, container: Container, terminated: Object) -> Run:
    began, ended = (_seconds(terminated.get(key)) for key in ("startedAt", "finishedAt"))
    code, reason = terminated["exitCode"], terminated.get("reason", "")
    last = Exit(code, reason, terminated.get("message", ""), began, ended)
    return Run(attempt, container.image, None, began, last)


def _seconds(text: str | None) -> float:
    return seconds_of(text) if text else 0.0


def _normal(text: str) -> str:
    try:
        return str(Reference.parse(text))
    except InvalidReference:
        return text
