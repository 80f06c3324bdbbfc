"""The line of a pod: the state that its containers are in together, in one word.

This is `printPod` of Kubernetes' `pkg/printers/internalversion/printers.go`, 1.33: what people read before
anything else, and what scripts match.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from towline.kube.duration import human
from towline.kube.table import AGE, NAME, NONE, Cell, Column, Layout, age, name_of
from towline.kube.timestamp import seconds_of

Object = Mapping[str, Any]
NODE_LOST = "NodeLost"


@dataclass(frozen=True, slots=True)
class _Tally:
    """What some containers amount to."""

    reason: str
    ready: int = 0
    restarts: int = 0
    restarted_at: float = 0.0
    done: bool = True
    """Whether what comes after these containers has begun."""


def _cells(pod: Object, now: float) -> list[Cell]:
    spec, status = pod["spec"], pod.get("status") or {}
    tally = _containers(pod, _init_containers(pod))
    total = len(spec.get("containers") or ()) + len(_sidecars(spec))
    addresses = status.get("podIPs") or ()
    return [
        name_of(pod),
        f"{tally.ready}/{total}",
        _ending(pod) or tally.reason,
        _restarts(tally, now),
        age(pod, now),
        (addresses[0].get("ip") if addresses else "") or NONE,
        spec.get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE,
        _gates(spec, status),
    ]


def _restarts(tally: _Tally, now: float) -> str:
    if not tally.restarts or not tally.restarted_at:
        return str(tally.restarts)
    return f"{tally.restarts} ({human(now - tally.restarted_at)} ago)"


def _ending(pod: Object) -> str:
    """The word for a pod that is being deleted, which goes before all others."""
    if not pod["metadata"].get("deletionTimestamp"):
        return ""
    status = pod.get("status") or {}
    if status.get("reason") == NODE_LOST:
        return "Unknown"
    return "" if status.get("phase") in ("Succeeded", "Failed") else "Terminating"


def _gates(spec: Object, status: Object) -> str:
    gates = [one["conditionType"] for one in spec.get("readinessGates") or ()]
    if not gates:
        return NONE
    return f"{sum(_condition(status, gate) == 'True' for gate in gates)}/{len(gates)}"


def _condition(status: Object, kind: str, field: str = "status") -> str:
    for one in status.get("conditions") or ():
        if one.get("type") == kind:
            return str(one.get(field, ""))
    return ""


def _sidecars(spec: Object) -> frozenset[str]:
    """The init containers that go on running."""
    inits = spec.get("initContainers") or ()
    return frozenset(one["name"] for one in inits if one.get("restartPolicy") == "Always")


def _phase(status: Object) -> str:
    if _condition(status, "PodScheduled", "reason") == "SchedulingGated":
        return "SchedulingGated"
    return str(status.get("reason") or status.get("phase") or "")


def _init_containers(pod: Object) -> tuple[_Tally, _Tally]:
    """What the init containers amount to: all of them, and the sidecars alone."""
    spec, status = pod["spec"], pod.get("status") or {}
    sidecars, total = _sidecars(spec), len(spec.get("initContainers") or ())
    statuses: Sequence[Object] = status.get("initContainerStatuses") or ()
    reason, done, ready, seen = _phase(status), True, 0, 0
    for at, held in enumerate(statuses):
        seen = at + 1
        state = held.get("state") or {}
        if (state.get("terminated") or {}).get("exitCode", 1) == 0:
            continue
        if held["name"] in sidecars and held.get("started"):
            ready += 1 if held.get("ready") else 0
            continue
        reason, done = _init_reason(state, at, total), False
        break
    told = statuses[:seen]
    lasting = [one for one in told if one["name"] in sidecars]
    return (
        _Tally(reason, ready, _count(told), _last_end(told), done),
        _Tally(reason, ready, _count(lasting), _last_end(lasting), done),
    )


def _init_reason(state: Object, at: int, total: int) -> str:
    ended, waiting = state.get("terminated"), state.get("waiting") or {}
    if ended:
        return f"Init:{ended.get('reason') or _exit(ended)}"
    if waiting.get("reason", "PodInitializing") not in ("", "PodInitializing"):
        return f"Init:{waiting['reason']}"
    return f"Init:{at}/{total}"


def _exit(ended: Object) -> str:
    if ended.get("signal"):
        return f"Signal:{ended['signal']}"
    return f"ExitCode:{ended.get('exitCode', 0)}"


def _count(statuses: Sequence[Object]) -> int:
    return sum(one.get("restartCount", 0) for one in statuses)


def _last_end(statuses: Sequence[Object]) -> float:
    ends = (
        ((one.get("lastState") or {}).get("terminated") or {}).get("finishedAt") for one in statuses
    )
    return max((seconds_of(end) for end in ends if end), default=0.0)


def _containers(pod: Object, before: tuple[_Tally, _Tally]) -> _Tally:
    """What all containers amount to, given what the init containers do."""
    status = pod.get("status") or {}
    every, lasting = before
    if not every.done and _condition(status, "Initialized") != "True":
        return every
    statuses: Sequence[Object] = status.get("containerStatuses") or ()
    reason, running = lasting.reason, 0
    for held in reversed(statuses):
        found = _reason(held.get("state") or {})
        reason = found or reason
        if not found and held.get("ready") and (held.get("state") or {}).get("running") is not None:
            running += 1
    if reason == "Completed" and running:
        reason = "Running" if _condition(status, "Ready") == "True" else "NotReady"
    return _Tally(
        reason,
        lasting.ready + running,
        lasting.restarts + _count(statuses),
        max(lasting.restarted_at, _last_end(statuses)),
    )


def _reason(state: Object) -> str:
    """Why a container does not run, if it is known."""
    waiting, ended = (state.get("waiting") or {}).get("reason"), state.get("terminated")
    if waiting:
        return str(waiting)
    return "" if ended is None else str(ended.get("reason") or _exit(ended))


PODS = Layout(
    (
        NAME,
        Column("Ready", "The aggregate readiness state of this pod for accepting traffic."),
        Column("Status", "The aggregate status of the containers in this pod."),
        Column("Restarts", "How often containers were restarted, and when the last one was."),
        AGE,
        Column("IP", "The address of the pod; empty until it has one.", wide=True),
        Column("Node", "The node that the pod is assigned to.", wide=True),
        Column("Nominated Node", "Where the pod will go when others have made room.", wide=True),
        Column("Readiness Gates", "How many of its own conditions the pod meets.", wide=True),
    ),
    _cells,
)
