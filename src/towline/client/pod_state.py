"""Whether a pod has its images, by its status as the kubelet writes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from towline.cluster.kubernetes import Object

PULL_REASONS = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ImageInspectError",
        "ErrImageNeverPull",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)
"""Why a container waits for its image (kubernetes pkg/kubelet/images/types.go)."""
_STARTED = frozenset({"CrashLoopBackOff"})
_HAS_RUN = frozenset({"Running", "Succeeded"})


class PodState(StrEnum):
    """How far a pod has come with its images."""

    WAITING = "waiting"
    """Nothing is known yet: it may be pulling."""
    FAILING = "failing"
    HAS_IMAGES = "has images"
    """What its programs then do is not for a pull to say."""


@dataclass(frozen=True, slots=True)
class PullTrouble:
    """A container that does not get its image."""

    container: str
    image: str
    reason: str
    message: str


def state_of(pod: Object) -> PodState:
    """The state of a pod."""
    if troubles(pod):
        return PodState.FAILING
    reasons = {waiting.get("reason") for _, waiting in _waiting(pod)}
    if (pod.get("status") or {}).get("phase") in _HAS_RUN or reasons & _STARTED:
        return PodState.HAS_IMAGES
    return PodState.WAITING


def troubles(pod: Object) -> list[PullTrouble]:
    """Its containers that fail to get their image, those of the beginning first."""
    return [
        PullTrouble(
            status["name"],
            str(status.get("image", "")),
            str(waiting["reason"]),
            str(waiting.get("message", "")),
        )
        for status, waiting in _waiting(pod)
        if waiting.get("reason") in PULL_REASONS
    ]


def _waiting(pod: Object) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    status = pod.get("status") or {}
    for kind in ("initContainerStatuses", "containerStatuses"):
        for one in status.get(kind) or ():
            waiting = (one.get("state") or {}).get("waiting")
            if waiting:
                yield one, waiting
