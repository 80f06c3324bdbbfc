"""One try to start a container, from its back-off to its process: the kubelet's `startContainer`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from towline.cluster.kubernetes import Kubernetes
from towline.cluster.node import texts
from towline.cluster.node.back_off import BackOff
from towline.cluster.node.container_spec import Ingredients, Volumes, container_spec
from towline.cluster.node.container_state import ContainerState, Run, Waiting
from towline.cluster.node.environment import environment
from towline.cluster.node.image_ensurer import Held, ImageEnsurer, Wish
from towline.cluster.node.pod_field import Place
from towline.cluster.node.provider import (
    Containers,
    ContainerSpec,
    Exit,
    Image,
    ScratchVolume,
    StartFailed,
    VolumeFiles,
)
from towline.cluster.node.references import NamespaceReferences, Unresolved
from towline.cluster.node.voice import Voice
from towline.cluster.node.volumes import UnknownVolume, VolumeMaker
from towline.kube.pod import Container, Pod
from towline.problem import Problem

START_FAILED_CODE = 128  # containerd's for a task that never ran
START_ERROR = "StartError"


@dataclass(slots=True)
class Order:
    """A start that is wanted."""

    place: Place
    container: Container
    state: ContainerState
    voice: Voice
    committed: bool = False
    """Whether the process is being made, so that the start must not be given up any more."""

    @property
    def pod(self) -> Pod:
        """The pod as it was when the start was ordered."""
        return self.place.pod

    @property
    def crash_key(self) -> str:
        """Back-off is by pod, container and what the container is made of."""
        return f"{self.pod.metadata.uid}_{self.container.name}_{self.container.image}"

    def say(self, words: texts.Words) -> None:
        """Record an event about the container."""
        self.voice.say(words, self.container.name)

    def held(self, reason: str, message: str) -> Held:
        """The start fails, with the event that every such failure ends with."""
        self.say(texts.failed(message))
        return Held(Waiting(reason, message))


@dataclass(frozen=True, slots=True)
class Result:
    """A run that began, or one that the runtime refused and that counts as ended."""

    run: Run
    waiting: Waiting | None = None


class ContainerStarter:
    """Starts the containers of one node's pods."""

    def __init__(
        self,
        kubernetes: Kubernetes,
        containers: Containers,
        images: ImageEnsurer,
        clock: Callable[[], float],
    ) -> None:
        self._kubernetes = kubernetes
        self._containers = containers
        self._images = images
        self._clock = clock
        self._crashes = BackOff()

    async def start(self, order: Order) -> Result:
        """Try it once; raises `Held` when it has to be tried again."""
        self._check_back_off(order)
        volumes = await self._volumes(order)
        image = await self._images.ensure(Wish(order.pod, order.container, order.voice))
        spec = await self._spec(order, image, volumes)
        order.say(texts.created(order.container.name))
        order.committed = True
        return await self._run(order, spec)

    def forget(self, pod_uid: str) -> None:
        """Drop what is remembered of a pod that is gone."""
        self._crashes.forget(f"{pod_uid}_")
        self._images.forget(pod_uid)

    def _check_back_off(self, order: Order) -> None:
        """The kubelet's `doBackOff`: counted from the end of the last run, which may have been long."""
        run, key, now = order.state.run, order.crash_key, self._clock()
        if run is None or run.exit is None:
            return
        ended = run.exit.finished_at
        if not self._crashes.holds_since(key, ended, now):
            self._crashes.failed(key, now, at=ended)
            return
        name, pod = order.container.name, order.pod.full_name
        order.say(texts.crash_back_off(name, pod))
        message = texts.crash_back_off_message(self._crashes.seconds(key), name, pod)
        raise Held(Waiting(texts.CRASH_LOOP_BACK_OFF, message))

    async def _volumes(self, order: Order) -> Volumes:
        """All volumes of the pod that the container shows."""
        namespace = order.pod.metadata.namespace
        maker = VolumeMaker(order.place, NamespaceReferences(self._kubernetes, namespace))
        shown = {mount.name for mount in order.container.volume_mounts}
        made: dict[str, VolumeFiles | ScratchVolume] = {}
        for volume in order.pod.spec.volumes:
            if volume.name not in shown:
                continue
            try:
                made[volume.name] = await maker.make(volume)
            except UnknownVolume as error:
                raise order.held(texts.CREATE_CONTAINER_CONFIG_ERROR, str(error)) from error
            except Unresolved as error:
                order.voice.say(texts.failed_mount(volume.name, str(error)))
                raise Held(None) from error
        return made

    async def _spec(self, order: Order, image: Image, volumes: Volumes) -> ContainerSpec:
        references = NamespaceReferences(self._kubernetes, order.pod.metadata.namespace)
        try:
            made = await environment(order.place, order.container, references)
            given = Ingredients(image, order.state.next_attempt, made.values, volumes)
            spec = container_spec(order.pod, order.container, given)
        except Unresolved as error:
            raise order.held(texts.CREATE_CONTAINER_CONFIG_ERROR, str(error)) from error
        for remark in made.remarks:
            order.voice.say(remark)
        return spec

    async def _run(self, order: Order, spec: ContainerSpec) -> Result:
        text, attempt = order.container.image, spec.id.attempt
        try:
            began = await self._containers.start(spec)
        except StartFailed as error:
            message, now = str(error), self._clock()
            order.say(texts.failed(message))
            ended = Exit(START_FAILED_CODE, START_ERROR, message, 0.0, now)
            run = Run(attempt, text, spec.image, now, ended)
            return Result(run, Waiting(texts.RUN_CONTAINER_ERROR, message))
        except Problem as error:
            raise order.held(texts.CREATE_CONTAINER_ERROR, error.cause) from error
        order.say(texts.started(order.container.name))
        return Result(Run(attempt, text, spec.image, began))
