"""The status of a Deployment: counts, and the conditions that `kubectl rollout status` waits for.

Reasons and messages are Kubernetes' (`pkg/controller/deployment/util/deployment_util.go`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from towline.cluster.controllers.rollout import Rollout, counted
from towline.cluster.controllers.status_patch import with_condition, without_condition
from towline.cluster.kubernetes import Object
from towline.kube.timestamp import seconds_of, to_second

PROGRESSING, AVAILABLE, REPLICA_FAILURE = "Progressing", "Available", "ReplicaFailure"
COMPLETE, TIMED_OUT, PAUSED = (
    "NewReplicaSetAvailable",
    "ProgressDeadlineExceeded",
    "DeploymentPaused",
)


def settled_status(rollout: Rollout, now: float) -> Object:
    """The status without a judgement of progress: while it is paused, scaled or deleted."""
    held = rollout.deployment.get("status") or {}
    sets, new = rollout.sets, () if rollout.new is None else (rollout.new,)
    available, total = counted(sets, "availableReplicas"), counted(sets, "replicas")
    status = {
        "observedGeneration": rollout.deployment["metadata"].get("generation", 0),
        "replicas": total,
        "updatedReplicas": counted(new, "replicas"),
        "readyReplicas": counted(sets, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, total - available),
        "conditions": list(held.get("conditions") or ()),
    }
    return _and(status, _availability(available >= rollout.wish.least_available), now)


def progress_status(rollout: Rollout, now: float) -> Object:
    """The status with a judgement of how the rollout gets on."""
    status = settled_status(rollout, now)
    if rollout.wish.deadline is None:
        status["conditions"] = without_condition(status["conditions"], PROGRESSING)
    elif not _was_complete(status):
        status = _with_progress(rollout, status, now)
    failure = _replica_failure(rollout)
    if failure:
        return _and(status, failure, now)
    status["conditions"] = without_condition(status["conditions"], REPLICA_FAILURE)
    return status


def progressing(status: str, reason: str, message: str, now: float) -> Object:
    """A `Progressing` condition that was just found."""
    return {
        "type": PROGRESSING,
        "status": status,
        "reason": reason,
        "message": message,
        "lastUpdateTime": to_second(now),
    }


def condition_of(status: Mapping[str, Any], type_name: str) -> Object | None:
    """The condition of that type."""
    return next((one for one in status.get("conditions") or () if one["type"] == type_name), None)


def is_complete(rollout: Rollout, status: Mapping[str, Any]) -> bool:
    """Whether all pods are of the newest template and available, and no others are left."""
    wanted = rollout.wish.replicas
    counts = (status["updatedReplicas"], status["replicas"], status["availableReplicas"])
    return counts == (wanted, wanted, wanted)


def deadline_in(rollout: Rollout, status: Mapping[str, Any], now: float) -> float | None:
    """Seconds after which the rollout has to be judged again, if nothing happens."""
    held = condition_of(status, PROGRESSING)
    if rollout.wish.deadline is None or held is None or is_complete(rollout, status):
        return None
    if held["reason"] in (TIMED_OUT, COMPLETE, PAUSED):
        return None
    return max(0.0, _updated(held) + rollout.wish.deadline - now) + 1


def _with_progress(rollout: Rollout, status: Object, now: float) -> Object:
    name = _what(rollout)
    if is_complete(rollout, status):
        message = f"{name} has successfully progressed."
        return _and(status, progressing("True", COMPLETE, message, now), now)
    if _progressed(rollout.deployment.get("status") or {}, status):
        message = f"{name} is progressing."
        return _and(status, progressing("True", "ReplicaSetUpdated", message, now), now)
    if _timed_out(rollout, status, now):
        message = f"{name} has timed out progressing."
        return _and(status, progressing("False", TIMED_OUT, message, now), now)
    return status


def _and(status: Object, condition: Object, now: float) -> Object:
    """The status with a condition. Only progress is worth an update that says the same again."""
    time = to_second(now)
    held = condition_of(status, condition["type"])
    new = {"lastUpdateTime": time, **condition}
    conditions = with_condition(status["conditions"], new, time)
    if held in conditions and condition["reason"] == "ReplicaSetUpdated":
        conditions = [one | {"lastUpdateTime": time} if one is held else one for one in conditions]
    return {**status, "conditions": conditions}


def _availability(enough: bool) -> Object:  # noqa: FBT001  # two words for one truth
    if enough:
        return _condition(
            AVAILABLE, "True", "MinimumReplicasAvailable", "Deployment has minimum availability."
        )
    return _condition(
        AVAILABLE,
        "False",
        "MinimumReplicasUnavailable",
        "Deployment does not have minimum availability.",
    )


def _condition(type_name: str, status: str, reason: str, message: str) -> Object:
    return {"type": type_name, "status": status, "reason": reason, "message": message}


def _what(rollout: Rollout) -> str:
    if rollout.new is None:
        return f'Deployment "{rollout.deployment["metadata"]["name"]}"'
    return f'ReplicaSet "{rollout.new["metadata"]["name"]}"'


def _was_complete(status: Mapping[str, Any]) -> bool:
    """One template only and a rollout that has ended: pods that fail now are not its failure."""
    held = condition_of(status, PROGRESSING)
    one_template = status["replicas"] == status["updatedReplicas"]
    return one_template and held is not None and held["reason"] == COMPLETE


def _progressed(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    def old(status: Mapping[str, Any]) -> int:
        return (status.get("replicas") or 0) - (status.get("updatedReplicas") or 0)

    more = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return old(after) < old(before) or any(after[one] > (before.get(one) or 0) for one in more)


def _timed_out(rollout: Rollout, status: Mapping[str, Any], now: float) -> bool:
    held = condition_of(status, PROGRESSING)
    if held is None or rollout.wish.deadline is None or held["reason"] in (COMPLETE, PAUSED):
        return False
    return held["reason"] == TIMED_OUT or _updated(held) + rollout.wish.deadline < now


def _updated(condition: Mapping[str, Any]) -> float:
    return seconds_of(condition.get("lastUpdateTime") or condition["lastTransitionTime"])


def _replica_failure(rollout: Rollout) -> Object | None:
    """What keeps a ReplicaSet from having its pods; the newest one's failure counts first."""
    newest: Iterable[Object] = () if rollout.new is None else (rollout.new,)
    for one in (*newest, *rollout.old):
        found = condition_of(one.get("status") or {}, REPLICA_FAILURE)
        if found is not None:
            return _condition(REPLICA_FAILURE, "True", found["reason"], found["message"])
    return None
