"""Brings one pod to the state that is wanted, and goes on doing so until the pod is gone.

The worker is level-triggered. Whenever something happened (the pod changed, a start came to an end,
a container exited, a time came) it looks at the whole pod, asks `step.decide` what to do, sets that
going, and offers the status. What takes long runs beside it in tasks of its own; each reports by
changing the container's state and waking the worker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import structlog

from towline.cluster.kubernetes import ApiError, Object
from towline.cluster.node import step, texts
from towline.cluster.node.container_jobs import ContainerJobs
from towline.cluster.node.container_state import ContainerState
from towline.cluster.node.ending import Ending
from towline.cluster.node.inherited_annotations import inherited_annotations
from towline.cluster.node.kit import Kit
from towline.cluster.node.node_object import node_name
from towline.cluster.node.pod_field import Place
from towline.cluster.node.pod_status import Facts, pod_status
from towline.cluster.node.pod_view import pod_view
from towline.cluster.node.provider import PodIdentity, StandingPod
from towline.cluster.node.restore import restored
from towline.cluster.node.status_writer import StatusWriter
from towline.cluster.node.voice import Voice
from towline.cluster.resources import PODS
from towline.kube.pod import Pod
from towline.problem import Problem

_LONGEST_HOST_NAME = 63
_ASK_AGAIN = 1.0  # seconds until an API that did not answer is asked again
_log = structlog.get_logger()
_ANSWERED = frozenset({404, 409})  # gone already, or another pod of the same name


class PodWorker:
    """One pod of a node."""

    def __init__(self, kit: Kit, pod: Pod, standing: StandingPod | None) -> None:
        now = kit.clock()
        self.pod = pod
        self._kit = kit
        self._seen_at = now
        self._address = standing.address if standing else ""
        self._is_open = False
        self._open_at = 0.0
        self._opening = self._over = self._releasing = self._closed = False
        self._ending = Ending(pod, now)
        self._wake = asyncio.Event()
        self._writer = StatusWriter(kit.kubernetes, kit.learn)
        self._jobs = ContainerJobs(kit, self, restored(pod, standing, now))

    @property
    def states(self) -> Mapping[str, ContainerState]:
        """What is known of the containers."""
        return self._jobs.states

    @property
    def voice(self) -> Voice:
        """Says what happens to the pod as it is now."""
        return Voice(self._kit.record, self.pod)

    @property
    def place(self) -> Place:
        """Where the pod runs."""
        return Place(self.pod, self._address, self._kit.address)

    @property
    def status(self) -> Object:
        """The pod's status as the node has it."""
        facts = Facts(
            pod=self.pod,
            states=self.states,
            host=self._kit.address,
            seen_at=self._seen_at,
            address=self._address,
            over=self._over,
            verdict=self._ending.verdict,
        )
        return pod_status(facts, self._kit.clock())

    @property
    def is_ending(self) -> bool:
        """Whether everything of the pod has to end."""
        return self._ending.has_begun

    def grace(self) -> float:
        """Seconds that a container has to end by itself, if it is to end now."""
        return self._ending.grace(self.pod, self._kit.clock())

    def update(self, pod: Pod) -> None:
        """The API has the pod like this."""
        before, self.pod = self.pod, pod
        if _has_shorter_grace(before, pod):
            self._jobs.hurry()
        if _meaning(before) != _meaning(pod):
            self._jobs.retry_now()
        self.wake()

    def vanish(self) -> None:
        """The API has the pod no more."""
        self._ending.vanish(self._kit.clock())
        self.wake()

    def successor(self, standing: StandingPod | None) -> PodWorker:
        """Another worker for the same pod, which goes on with what stands."""
        other = PodWorker(self._kit, self.pod, standing)
        if self._ending.has_vanished:
            other.vanish()
        return other

    def wake(self) -> None:
        """Look at the pod again soon."""
        self._wake.set()

    async def run(self) -> None:
        """Work until nothing of the pod is left, here or at the API."""
        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(self._writer.run())
            self._jobs.resume(tasks)
            while not (self._closed and self._ending.has_vanished):
                self._wake.clear()
                self._look(tasks)
                self._writer.offer(self.pod, self.status)
                await self._sleep()
            writing.cancel()
        self._kit.starter.forget(self.pod.metadata.uid)

    def _look(self, tasks: asyncio.TaskGroup) -> None:
        """Take the steps that are due."""
        if self._ending.consider(self.pod, self._kit.clock()):
            self.voice.say(texts.deadline_exceeded())
        for wanted in step.decide(self._view()):
            match wanted:
                case step.Open():
                    self._opening = True
                    tasks.create_task(self._open())
                case step.Start(name):
                    self._jobs.start(tasks, name)
                case step.Abandon(name):
                    self._jobs.abandon(name)
                case step.Stop(name):
                    self._jobs.stop(tasks, name)
                case step.Settle():
                    self._settle(tasks)

    def _view(self) -> step.PodView:
        now = self._kit.clock()
        return replace(
            pod_view(self.pod, self.states, now),
            is_open=self._is_open,
            may_open=not self._opening and self._open_at <= now,
            ending=self._ending.has_begun,
        )

    async def _sleep(self) -> None:
        """Until something happens, or the time for the next look has come."""
        due = self._next_look()
        delay = None if due is None else max(due - self._kit.clock(), 0.0)
        try:
            async with asyncio.timeout(delay):
                await self._wake.wait()
        except TimeoutError:
            pass

    def _next_look(self) -> float | None:
        now = self._kit.clock()
        times = [state.try_at for state in self.states.values()]
        times += [self._open_at, self._ending.deadline(self.pod) or 0.0]
        return min((time for time in times if time > now), default=None)

    async def _open(self) -> None:
        kit = self._kit
        try:
            inherited = await inherited_annotations(kit.kubernetes, node_name(kit.subnet_id))
            self._address = await kit.provider.open(self._identity(inherited))
            self._is_open = True
        except Problem as problem:
            self.voice.say(texts.failed_sandbox(problem.cause))
            self._open_at = kit.clock() + kit.pause()
        except ApiError as error:
            _log.debug("pod not opened", pod=self.pod.full_name, error=error.message)
            self._open_at = kit.clock() + _ASK_AGAIN
        finally:
            self._opening = False
            self.wake()

    def _identity(self, inherited: Mapping[str, str]) -> PodIdentity:
        metadata, spec = self.pod.metadata, self.pod.spec
        return PodIdentity(
            uid=metadata.uid,
            namespace=metadata.namespace,
            name=metadata.name,
            subnet_id=self._kit.subnet_id,
            hostname=spec.hostname or metadata.name[:_LONGEST_HOST_NAME].rstrip("-."),
            annotations={**inherited, **metadata.annotations},
            cluster_id=self._kit.cluster_id,
        )

    def _settle(self, tasks: asyncio.TaskGroup) -> None:
        """Nothing runs any more. What is left, the logs too, stays until the pod is deleted."""
        self._over = True
        is_leaving = self._ending.has_vanished or self.pod.metadata.deletion_timestamp is not None
        if is_leaving and not self._opening and not self._releasing:
            self._releasing = True
            tasks.create_task(self._release())

    async def _release(self) -> None:
        await self._close()
        self._writer.offer(self.pod, self.status)
        await self._writer.settled()
        await self._delete()
        self._closed = True
        self.wake()

    async def _close(self) -> None:
        while True:
            try:
                await self._kit.provider.close(self.pod.metadata.uid)
            except Problem as problem:
                self.voice.say(texts.failed_kill(problem.cause))
                await asyncio.sleep(self._kit.pause())
            else:
                return

    async def _delete(self) -> None:
        """Let the API forget the pod."""
        metadata = self.pod.metadata
        options: Object = {"gracePeriodSeconds": 0, "preconditions": {"uid": metadata.uid}}
        while not self._ending.has_vanished:
            try:
                await self._kit.kubernetes.delete(
                    PODS, metadata.namespace, metadata.name, options=options
                )
            except ApiError as error:
                if error.code in _ANSWERED:
                    return
                await asyncio.sleep(self._kit.pause())
            else:
                return


def _has_shorter_grace(before: Pod, after: Pod) -> bool:
    """Whether what is being stopped, for whatever reason, has less time now than it was given."""
    held = before.metadata.deletion_grace_period_seconds
    asked = after.metadata.deletion_grace_period_seconds
    given = before.spec.termination_grace_period_seconds if held is None else held
    return asked is not None and asked < given


def _meaning(pod: Pod) -> tuple[object, ...]:
    """What of a pod makes the kubelet look at it again when it changes."""
    return pod.spec, pod.metadata.labels, pod.metadata.annotations
