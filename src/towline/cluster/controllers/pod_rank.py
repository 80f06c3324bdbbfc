"""What pods are to a workload: whether they count, whether they are ready, which is spared first."""

from __future__ import annotations

from typing import Any

from towline.cluster.kubernetes import Object
from towline.kube.timestamp import seconds_of

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


def is_active(pod: Object) -> bool:
    """Whether it still runs or will run."""
    ended = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    return not ended and not pod["metadata"].get("deletionTimestamp")


def ready_since(pod: Object) -> float | None:
    """When it became ready; None while it is not."""
    for condition in (pod.get("status") or {}).get("conditions") or ():
        if condition["type"] == "Ready" and condition["status"] == "True":
            time = condition.get("lastTransitionTime")
            return seconds_of(time) if time else 0.0
    return None


def is_ready(pod: Object) -> bool:
    """Whether it counts as ready."""
    return ready_since(pod) is not None


def available_in(pod: Object, min_ready: float, now: float) -> float | None:
    """Seconds until it has been ready for long enough; None while it is not ready."""
    since = ready_since(pod)
    return None if since is None else max(0.0, since + min_ready - now)


def sacrifice_order(pod: Object) -> tuple[Any, ...]:
    """Sorts the pods that are missed least to the front, as the ReplicaSet controller does."""
    status = pod.get("status") or {}
    since = ready_since(pod)
    restarts = max(
        (one["restartCount"] for one in status.get("containerStatuses") or ()), default=0
    )
    return (
        bool(pod["spec"].get("nodeName")),
        _PHASES.get(status.get("phase", ""), 1),
        since is not None,
        _deletion_cost(pod),
        -(since or 0.0),
        -restarts,
        -seconds_of(pod["metadata"]["creationTimestamp"]),
        pod["metadata"]["name"],
    )


def _deletion_cost(pod: Object) -> int:
    text = (pod["metadata"].get("annotations") or {}).get(DELETION_COST, "0")
    try:
        return int(text)
    except ValueError:
        return 0  # the API lets no other text through; a real one may have, long ago
