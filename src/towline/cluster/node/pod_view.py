"""What decisions see of a pod."""

from __future__ import annotations

from collections.abc import Mapping

from towline.cluster.node import texts
from towline.cluster.node.container_state import ContainerState
from towline.cluster.node.container_status import is_sidecar
from towline.cluster.node.step import ContainerView, Place, PodView
from towline.kube.pod import Container, Pod


def pod_view(pod: Pod, states: Mapping[str, ContainerState], now: float) -> PodView:
    """The pod's containers and its policy."""
    init = [
        (one, Place.SIDECAR if is_sidecar(one) else Place.INIT) for one in pod.spec.init_containers
    ]
    main = [(one, Place.MAIN) for one in pod.spec.containers]
    views = [_view(one, place, states[one.name], now) for one, place in (*init, *main)]
    return PodView(pod.spec.restart_policy, tuple(views))


def condemnation(container: Container, state: ContainerState) -> str:
    """Why a running container has to end although its pod goes on; empty when it need not."""
    if is_changed(container, state):
        return texts.changed_message(container.name)
    return state.health.condemned


def is_changed(container: Container, state: ContainerState) -> bool:
    """Whether the pod's specification names another image by now."""
    return state.run is not None and state.run.text != container.image


def _view(container: Container, place: Place, state: ContainerState, now: float) -> ContainerView:
    ended = state.run.exit if state.run else None
    return ContainerView(
        container.name,
        place,
        state.situation,
        exit_code=ended.code if ended else 0,
        due=state.try_at <= now,
        started=state.health.started,
        condemned=place is not Place.INIT and bool(condemnation(container, state)),
        renewed=state.renewed,
    )
