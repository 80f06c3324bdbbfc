"""What is under way for the containers of one pod: starts, stops, waiting for ends, probes.

Each job changes its container's state when it is done and wakes the pod's worker, which decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from towline.cluster.node import texts
from towline.cluster.node.container_starter import Order, Result
from towline.cluster.node.container_state import ContainerState, Doing, Health, Run
from towline.cluster.node.hooks import HookFailed, run_hook
from towline.cluster.node.image_ensurer import Held
from towline.cluster.node.kit import Kit
from towline.cluster.node.pod_field import Place
from towline.cluster.node.pod_view import condemnation, is_changed
from towline.cluster.node.prober import Prober, Watched, first_health
from towline.cluster.node.probing import Target
from towline.cluster.node.provider import ContainerId
from towline.cluster.node.voice import Voice
from towline.kube.pod import Container, Pod, RestartPolicy
from towline.kube.probe import Handler
from towline.problem import Problem

SHORTEST_STOP = 2.0  # seconds that are left for the signal, however long the hook took


class Owner(Protocol):
    """The pod's worker, as the jobs see it."""

    @property
    def pod(self) -> Pod:
        """The pod as it is now."""
        ...

    @property
    def place(self) -> Place:
        """Where it runs."""
        ...

    @property
    def voice(self) -> Voice:
        """Says what happens to it."""
        ...

    @property
    def is_ending(self) -> bool:
        """Whether everything of it has to end."""
        ...

    def grace(self) -> float:
        """Seconds that a container has to end by itself, if it is to end now."""
        ...

    def wake(self) -> None:
        """Something happened: look at the pod."""
        ...


@dataclass(slots=True)
class _Tasks:
    """What runs for one container."""

    order: Order | None = None
    starting: asyncio.Task[None] | None = None
    stopping: asyncio.Task[None] | None = None
    attending: list[asyncio.Task[None]] = field(default_factory=list)


class ContainerJobs:
    """The jobs of one pod, and what they have found."""

    def __init__(self, kit: Kit, owner: Owner, states: Mapping[str, ContainerState]) -> None:
        self.states = dict(states)
        self._kit = kit
        self._owner = owner
        self._tasks = {name: _Tasks() for name in states}
        self._told: set[ContainerId] = set()

    def resume(self, tasks: asyncio.TaskGroup) -> None:
        """Go on with the containers that run already."""
        for name, state in self.states.items():
            if state.run and state.is_running:
                self._attend(tasks, name, state.run)

    def start(self, tasks: asyncio.TaskGroup, name: str) -> None:
        """Begin to start a container."""
        order = Order(
            self._owner.place, self._container(name), self.states[name], self._owner.voice
        )
        self._set(name, doing=Doing.STARTING)
        job = self._tasks[name]
        job.order = order
        job.starting = tasks.create_task(self._start(tasks, order))

    def abandon(self, name: str) -> None:
        """Give up a start, unless its process is being made already."""
        job = self._tasks[name]
        if job.starting and job.order and not job.order.committed:
            job.starting.cancel()

    def stop(self, tasks: asyncio.TaskGroup, name: str) -> None:
        """Begin to stop a running container."""
        state, job = self.states[name], self._tasks[name]
        assert state.run is not None, "only what runs is stopped"
        for task in job.attending:
            task.cancel()
        job.attending.clear()
        self._set(name, doing=Doing.STOPPING)
        job.stopping = tasks.create_task(self._stop(name, state.run))

    def hurry(self) -> None:
        """The time to end has become shorter: what is being stopped is stopped anew."""
        for job in self._tasks.values():
            if job.stopping:
                job.stopping.cancel()

    def retry_now(self) -> None:
        """What failed may be tried again at once."""
        for name in self.states:
            self._set(name, try_at=0.0)

    async def _start(self, tasks: asyncio.TaskGroup, order: Order) -> None:
        name = order.container.name
        try:
            result = await self._kit.starter.start(order)
        except Held as held:
            self._set(name, waiting=held.waiting, try_at=self._later())
        else:
            self._begin(tasks, name, result)
        finally:
            self._set(name, doing=Doing.NOTHING)
            self._owner.wake()

    def _begin(self, tasks: asyncio.TaskGroup, name: str, result: Result) -> None:
        run, state = result.run, self.states[name]
        self._set(
            name,
            run=run,
            previous=state.run or state.previous,
            waiting=result.waiting,
            health=first_health(self._target(name, run)),
            try_at=self._later() if run.exit else 0.0,
            renewed=False,
        )
        if run.exit is None:
            self._attend(tasks, name, run)
            if hook := self._container(name).lifecycle.post_start:
                following = tasks.create_task(self._follow_up(name, run, hook))
                self._tasks[name].attending.append(following)

    def _attend(self, tasks: asyncio.TaskGroup, name: str, run: Run) -> None:
        """Wait for a run's end, and watch over it meanwhile."""
        tasks.create_task(self._wait(name, run))
        health = self.states[name].health
        watched = Watched(
            self._target(name, run), self._owner.voice, self._reporter(name, run), health
        )
        prober = Prober(self._kit.provider, watched)
        self._tasks[name].attending.append(tasks.create_task(prober.run()))

    async def _wait(self, name: str, run: Run) -> None:
        ended = await self._kit.provider.wait(self._id(name, run))
        for task in self._tasks[name].attending:
            task.cancel()
        self._tasks[name].attending.clear()
        self._told.discard(self._id(name, run))
        over = replace(run, exit=ended)
        self._set(name, run=over, doing=Doing.NOTHING, health=Health(), try_at=0.0)
        self._owner.wake()

    async def _follow_up(self, name: str, run: Run, hook: Handler) -> None:
        try:
            await run_hook(self._kit.provider, self._target(name, run), hook)
        except HookFailed as error:
            self._owner.voice.say(texts.failed_post_start(str(error)), name)
            health = self.states[name].health
            self._set(name, health=replace(health, condemned=texts.FAILED_POST_START_HOOK))
            self._owner.wake()

    async def _stop(self, name: str, run: Run) -> None:
        stopped = False
        try:
            grace = self._grace()
            if self._id(name, run) not in self._told:
                self._told.add(self._id(name, run))
                self._tell(name)
                grace = await self._prepare(name, run, grace)
            await self._kit.provider.stop(self._id(name, run), grace=grace)
            stopped = True
        except Problem as problem:
            self._owner.voice.say(texts.failed_kill(problem.cause))
            await asyncio.sleep(self._kit.pause())
        finally:
            # When it is stopped the task that waits for its end says so, and nobody before.
            if not stopped and self.states[name].doing is Doing.STOPPING:
                self._set(name, doing=Doing.NOTHING)
                self._owner.wake()

    def _grace(self) -> float:
        if self._owner.is_ending:
            return self._owner.grace()
        return float(max(self._owner.pod.spec.termination_grace_period_seconds, SHORTEST_STOP))

    def _tell(self, name: str) -> None:
        """Say why it is stopped, and remember whether another run is to follow."""
        container, state = self._container(name), self.states[name]
        why = "" if self._owner.is_ending else condemnation(container, state)
        if not why:
            self._owner.voice.say(texts.stopping(name), name)
            return
        never = self._owner.pod.spec.restart_policy is RestartPolicy.NEVER
        renewed = is_changed(container, state) or not never
        self._set(name, renewed=renewed)
        if renewed and why != texts.FAILED_POST_START_HOOK:
            why = texts.will_be_restarted(why)
        self._owner.voice.say(texts.killing(why), name)

    async def _prepare(self, name: str, run: Run, grace: float) -> float:
        """Let the container do what it does before its end; the seconds that are left."""
        hook = self._container(name).lifecycle.pre_stop
        if hook is None:
            return grace
        began = self._kit.clock()
        try:
            async with asyncio.timeout(grace):
                await run_hook(self._kit.provider, self._target(name, run), hook)
        except TimeoutError:
            pass
        except HookFailed as error:
            self._owner.voice.say(texts.failed_pre_stop(str(error)), name)
        return max(grace - (self._kit.clock() - began), SHORTEST_STOP)

    def _reporter(self, name: str, run: Run) -> Callable[[Health], None]:
        def report(health: Health) -> None:
            state = self.states[name]
            if state.is_running and state.run and state.run.attempt == run.attempt:
                self._set(name, health=health)
                self._owner.wake()

        return report

    def _container(self, name: str) -> Container:
        spec = self._owner.pod.spec
        return next(one for one in (*spec.init_containers, *spec.containers) if one.name == name)

    def _target(self, name: str, run: Run) -> Target:
        return Target(self._id(name, run), self._container(name), self._owner.place.address)

    def _id(self, name: str, run: Run) -> ContainerId:
        return ContainerId(self._owner.pod.metadata.uid, name, run.attempt)

    def _later(self) -> float:
        return self._kit.clock() + self._kit.pause()

    def _set(self, name: str, **changes: Any) -> None:
        self.states[name] = replace(self.states[name], **changes)
