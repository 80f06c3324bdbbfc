"""A container's part of its pod's status, as the kubelet's `convertToAPIContainerStatuses` writes it."""

from __future__ import annotations

from typing import Any

from towline.cluster.node import texts
from towline.cluster.node.container_state import ContainerState, Run
from towline.cluster.node.provider import ContainerId, Exit, Image
from towline.kube.pod import Container, Pod, RestartPolicy
from towline.kube.timestamp import to_second
from towline.oci.reference import InvalidReference, Reference

SCHEME = "towline://"

Object = dict[str, Any]


def container_status(pod: Pod, container: Container, state: ContainerState) -> Object:
    """One entry of `containerStatuses` or `initContainerStatuses`."""
    run, uid = state.run, pod.metadata.uid
    status: Object = {
        "name": container.name,
        "image": container.image,
        "imageID": "",
        "ready": _is_ready(pod, container, state),
        "started": state.is_running and state.health.started,
        "restartCount": run.attempt if run else 0,
        "state": _state(pod, container, state),
        "lastState": _last_state(uid, container.name, state),
    }
    if run and run.image:
        status |= {"image": run.image.reference, "imageID": image_id(run.image)}
    if run and run.started_at:
        status["containerID"] = container_id(uid, container.name, run)
    return status


def image_id(image: Image) -> str:
    """Repository and digest: what exactly runs."""
    try:
        return f"{Reference.parse(image.reference).name}@{image.digest}"
    except InvalidReference:
        return image.digest


def container_id(uid: str, name: str, run: Run) -> str:
    """How a run is called in the status."""
    return f"{SCHEME}{ContainerId(uid, name, run.attempt)}"


def terminated(uid: str, name: str, run: Run, ended: Exit) -> Object:
    """A `terminated` state."""
    state: Object = {
        "exitCode": ended.code,
        "reason": ended.reason,
        "startedAt": to_second(ended.started_at) if ended.started_at else None,
        "finishedAt": to_second(ended.finished_at),
        "containerID": container_id(uid, name, run) if run.started_at else None,
    }
    if ended.message:
        state["message"] = ended.message
    return {key: value for key, value in state.items() if value is not None}


def is_sidecar(container: Container) -> bool:
    """Whether an init container runs as long as the pod does."""
    return container.restart_policy is RestartPolicy.ALWAYS


def _state(pod: Pod, container: Container, state: ContainerState) -> Object:
    run = state.run
    if run and run.exit is None:
        return {"running": {"startedAt": to_second(run.started_at)}}
    if state.waiting:
        waiting = {"reason": state.waiting.reason}
        if state.waiting.message:
            waiting["message"] = state.waiting.message
        return {"waiting": waiting}
    if run and run.exit:
        return {"terminated": terminated(pod.metadata.uid, container.name, run, run.exit)}
    has_init = bool(pod.spec.init_containers)
    return {"waiting": {"reason": texts.POD_INITIALIZING if has_init else texts.CONTAINER_CREATING}}


def _last_state(uid: str, name: str, state: ContainerState) -> Object:
    """The end before the present state: of the newest run, unless that is the state shown."""
    run = state.run if state.waiting and not state.is_running else state.previous
    if run is None or run.exit is None:
        return {}
    return {"terminated": terminated(uid, name, run, run.exit)}


def _is_ready(pod: Pod, container: Container, state: ContainerState) -> bool:
    """An init container is ready when it has done its work."""
    is_init = container in pod.spec.init_containers
    if is_init and not is_sidecar(container):
        return state.run is not None and state.run.exit is not None and state.run.exit.code == 0
    return state.is_running and state.health.started and state.health.ready
