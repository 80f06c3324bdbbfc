"""One virtual node: known to the API, and with a worker for each of its pods."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from towline.cluster.event_recorder import EventRecorder
from towline.cluster.kubernetes import ApiError, Kubernetes, Object
from towline.cluster.node.completion_teller import Awaited, CompletionTeller
from towline.cluster.node.container_starter import ContainerStarter
from towline.cluster.node.diagnosing import Diagnosing, Examiner
from towline.cluster.node.image_ensurer import ImageEnsurer
from towline.cluster.node.kit import Kit
from towline.cluster.node.node_object import Endpoint, Machine
from towline.cluster.node.pod_directory import PodDirectory
from towline.cluster.node.pod_worker import PodWorker
from towline.cluster.node.provider import Provider, StandingPod
from towline.cluster.node.registration import Identity, Registration
from towline.cluster.node.settings import Subnets
from towline.cluster.node.voice import Voice
from towline.cluster.reflector import Reflector, Selection
from towline.cluster.resources import PODS
from towline.kube.event import EventSource
from towline.kube.pod import InvalidPod, Pod

BEAT = 10.0  # seconds between renewals of the lease: the kubelet's
_RETRY = 1.0  # seconds until what could not be done yet is tried again
COMPONENT = "eklet"

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Parts:
    """What an agent's nodes of one cluster share."""

    kubernetes: Kubernetes
    provider: Provider
    machine: Machine
    endpoint: Endpoint
    clock: Callable[[], float]
    directory: PodDirectory
    subnets: Subnets
    cluster_id: str = ""
    """Whose nodes they are; empty for the installation's own cluster."""


class VirtualNode:
    """The node of one subnet."""

    def __init__(self, parts: Parts, subnet_id: str) -> None:
        identity = Identity(subnet_id, parts.machine, parts.endpoint)
        self.registered = asyncio.Event()
        self._registration = Registration(parts.kubernetes, identity, parts.clock)
        self._parts = parts
        self._retiring = False
        self._subnet_id = subnet_id
        self._free: int | None = None
        """Addresses left in the subnet, as soon as it is known."""
        self._uids: set[str] = set()
        self._changed = asyncio.Event()
        selectors = {"fieldSelector": f"spec.nodeName={self.name}"}
        self._pods = Reflector(parts.kubernetes, Selection(PODS, selectors))
        source = EventSource(COMPONENT, self.name)
        self._recorder = EventRecorder(parts.kubernetes, source, parts.clock)
        self._diagnosing = Diagnosing(Examiner(parts.kubernetes, parts.provider))
        self._completions = CompletionTeller(parts.provider)
        self._kit = self._make_kit(subnet_id)

    @property
    def name(self) -> str:
        """`eklet-subnet-q21rasu6`."""
        return self._registration.name

    def retire(self) -> None:
        """The subnet is gone: take no new pods, and end when there are none."""
        self._retiring = True
        self._changed.set()

    def keep(self) -> None:
        """The subnet is there again."""
        self._retiring = False
        self._changed.set()

    async def run(self) -> None:
        """Be a node until cancelled, or until it is retired and empty."""
        async with asyncio.TaskGroup() as tasks:
            lasting = [
                tasks.create_task(self._recorder.run()),
                tasks.create_task(self._diagnosing.run()),
                tasks.create_task(self._completions.run()),
                tasks.create_task(self._pods.run()),
                tasks.create_task(self._follow_room()),
            ]
            self._pods.listen(lambda before, after: self._see(tasks, before, after))
            await self._live()
            for task in lasting:
                task.cancel()

    async def _live(self) -> None:
        while True:
            self._changed.clear()
            try:
                if self._retiring and self._pods.synced.is_set() and not self._uids:
                    await self._registration.remove()
                    return
                await self._registration.keep(schedulable=not self._retiring, free=self._free)
                self.registered.set()
                # A retired node that seems empty is looked at again as soon as its pods are known.
                pause = _RETRY if self._retiring and not self._uids else BEAT
            except ApiError as error:
                _log.debug("node not renewed", node=self.name, error=error.message)
                pause = _RETRY
            await self._rest(pause)

    async def _follow_room(self) -> None:
        """Tell the API at once that the subnet is exhausted, or is not any more; how many addresses
        are left has time until the next beat.
        """
        async for free in self._parts.subnets.follow_free(self._subnet_id):
            before, self._free = self._free, free
            if before is None or (before > 0) != (free > 0):
                self._changed.set()

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            pass

    def _see(self, tasks: asyncio.TaskGroup, before: Object | None, after: Object | None) -> None:
        """A pod of this node is new, changed or gone; another one may have its name."""
        if before and (after is None or _uid(before) != _uid(after)):
            worker = self._parts.directory.get(_uid(before))
            if worker:
                worker.vanish()
        if after is None:
            return
        try:
            pod = Pod.parse(after)
        except InvalidPod as error:
            _log.error("pod not understood", pod=after["metadata"]["name"], error=str(error))
            return
        if worker := self._parts.directory.get(pod.metadata.uid):
            worker.update(pod)
        else:
            self._employ(tasks, pod)

    def _employ(self, tasks: asyncio.TaskGroup, pod: Pod) -> None:
        uid, directory = pod.metadata.uid, self._parts.directory
        standing = directory.take(uid)
        for image in standing.images if standing else ():
            voice = Voice(self._recorder.record, pod)
            self._completions.follow(Awaited(uid, image, image.reference, voice))
        worker = PodWorker(self._kit, pod, standing)
        directory.enter(uid, worker)
        self._uids.add(uid)
        tasks.create_task(self._work(uid, worker))

    async def _work(self, uid: str, worker: PodWorker) -> None:
        """Work on a pod until it is gone. A defect that one pod trips must not end the others: as
        the kubelet's `HandleCrash` does, it is logged, and the pod is begun with anew.
        """
        while True:
            try:
                await worker.run()
                break
            except Exception:  # noqa: BLE001  # see above: whatever it is
                _log.exception("the work on a pod failed", pod=worker.pod.full_name)
            await asyncio.sleep(self._kit.pause())
            worker = worker.successor(await self._standing(uid))
            self._parts.directory.enter(uid, worker)
        self._parts.directory.remove(uid)
        self._uids.remove(uid)
        self._changed.set()

    async def _standing(self, uid: str) -> StandingPod | None:
        standing = await self._parts.provider.inventory()
        return next((pod for pod in standing if pod.uid == uid), None)

    def _make_kit(self, subnet_id: str) -> Kit:
        parts = self._parts
        images = ImageEnsurer(
            parts.kubernetes, parts.provider, self._diagnosing, self._completions, parts.clock
        )
        starter = ContainerStarter(parts.kubernetes, parts.provider, images, parts.clock)
        return Kit(
            kubernetes=parts.kubernetes,
            provider=parts.provider,
            starter=starter,
            record=self._recorder.record,
            learn=self._pods.learn,
            clock=parts.clock,
            address=parts.endpoint.address,
            subnet_id=subnet_id,
            cluster_id=parts.cluster_id,
        )


def _uid(thing: Object) -> str:
    return str(thing["metadata"]["uid"])
