"""Which run's log is shown, and what is said when there is none: the kubelet's
`validateContainerLogStatus` (`pkg/kubelet/kubelet_pods.go`), its texts included.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from towline.cluster.node import texts
from towline.cluster.node.container_status import SCHEME
from towline.cluster.node.provider import ContainerId

Object = Mapping[str, Any]


class NoLog(Exception):
    """There is nothing to show now; the text says why."""


def choose(status: Object, pod: Object, container: str, *, previous: bool) -> ContainerId:
    """The run, from the pod's status and metadata; raises `NoLog`."""
    where = f'container "{container}" in pod "{pod["name"]}"'
    held = _find(status, container)
    if held is None:
        raise NoLog(f"{where} is not available")
    last = (held.get("lastState") or {}).get("terminated") or {}
    if previous:
        if not last.get("containerID"):
            raise NoLog(
                f'previous terminated container "{container}" in pod "{pod["name"]}" not found'
            )
        return _id(last["containerID"], pod["uid"])
    return _id(_present(held, last, where), pod["uid"])


def _present(held: Object, last: Object, where: str) -> str:
    state = held["state"]
    if "running" in state:
        return str(held["containerID"])
    if ended := state.get("terminated") or last:
        chosen = ended.get("containerID") or last.get("containerID")
        if not chosen:
            raise NoLog(f"{where} is terminated")
        return str(chosen)
    reason = (state.get("waiting") or {}).get("reason", "")
    raise NoLog(f"{where} is waiting to start: {_WAITING.get(reason, reason)}")


_WAITING = {
    texts.ERR_IMAGE_PULL: "image can't be pulled",
    texts.IMAGE_PULL_BACK_OFF: "trying and failing to pull image",
}


def _find(status: Object, container: str) -> Object | None:
    for key in ("containerStatuses", "initContainerStatuses"):
        for held in status.get(key) or ():
            if held["name"] == container:
                return dict(held)
    return None


def _id(text: str, uid: str) -> ContainerId:
    name, _, attempt = text.removeprefix(f"{SCHEME}{uid}-").rpartition("-")
    return ContainerId(uid, name, int(attempt))
