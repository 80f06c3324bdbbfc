"""A pod's conditions, as the kubelet's `pkg/kubelet/status/generate.go` writes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from towline.kube.pod import Phase
from towline.kube.timestamp import to_second

Object = dict[str, Any]
OWN = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition; true unless a reason says why not."""

    type: str
    is_true: bool = True
    reason: str = ""
    message: str = ""


def readiness(kind: str, statuses: Sequence[Mapping[str, Any]], phase: Phase) -> Condition:
    """`Ready` or `ContainersReady`; the statuses are those of main containers and sidecars."""
    if phase is Phase.SUCCEEDED:
        return Condition(kind, is_true=False, reason="PodCompleted")
    if phase is Phase.FAILED:
        return Condition(kind, is_true=False, reason="PodFailed")
    unready = [status["name"] for status in statuses if not status["ready"]]
    if not unready:
        return Condition(kind)
    message = f"containers with unready status: [{' '.join(unready)}]"
    return Condition(kind, is_true=False, reason="ContainersNotReady", message=message)


def initialized(incomplete: Sequence[str], phase: Phase) -> Condition:
    """`Initialized`, given the init containers that still have to do their work."""
    if phase is Phase.SUCCEEDED:
        return Condition("Initialized", reason="PodCompleted")
    if not incomplete:
        return Condition("Initialized")
    message = f"containers with incomplete status: [{' '.join(incomplete)}]"
    return Condition(
        "Initialized", is_true=False, reason="ContainersNotInitialized", message=message
    )


def merged(
    wanted: Iterable[Condition], held: Sequence[Mapping[str, Any]], now: float
) -> list[Object]:
    """The list for the status: ours, with the times of their last change, and those of others."""
    by_type = {one["type"]: one for one in held}
    ours = [_object(one, by_type.get(one.type), now) for one in wanted]
    mine = {one["type"] for one in ours}
    return ours + [dict(one) for one in held if one["type"] not in mine]


def _object(condition: Condition, held: Mapping[str, Any] | None, now: float) -> Object:
    status = "True" if condition.is_true else "False"
    changed = held is None or held.get("status") != status
    time = to_second(now) if changed or held is None else held.get("lastTransitionTime")
    body: Object = {
        "type": condition.type,
        "status": status,
        "lastProbeTime": None,
        "lastTransitionTime": time,
        "reason": condition.reason,
        "message": condition.message,
    }
    return {key: value for key, value in body.items() if value != ""}
