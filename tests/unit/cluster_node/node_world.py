"""A node in virtual time: a Kubernetes API in memory, a simulated provider, and what happened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TypeVar

from tests import virtual_time
from tests.fake_kubernetes import FakeKubernetes
from tests.simulated_provider import Life, Script, SimulatedProvider

from towline.cluster.kubernetes import ApiError, Object, Resource
from towline.cluster.node.fleet import Fleet
from towline.cluster.node.node_object import Endpoint, Machine
from towline.cluster.node.pod_directory import PodDirectory
from towline.cluster.node.virtual_node import Parts
from towline.cluster.resources import CONFIG_MAPS, EVENTS, NAMESPACES, PODS, SECRETS

SUBNET, NODE = "subnet-a", "eklet-subnet-a"
IMAGE = "registry.example/web:1"
MACHINE = Machine("amd64", "6.12.0", "Debian", "id", "boot", 2, 4 << 30, "0.1.0")

T = TypeVar("T")


class FixedSubnets:
    """`Subnets` whose changes a test makes."""

    def __init__(self, *subnets: str) -> None:
        self._now = frozenset(subnets)
        self._changed = asyncio.Event()
        self._free = 100
        self._counted = asyncio.Event()

    def become(self, *subnets: str) -> None:
        """These are the subnets now."""
        self._now = frozenset(subnets)
        self._changed.set()

    def have_left(self, free: int) -> None:
        """Each subnet has so many addresses left now."""
        self._free = free
        self._counted.set()

    async def follow_free(self, subnet_id: str) -> AsyncIterator[int]:
        """See `Subnets`."""
        while True:
            self._counted.clear()
            yield self._free
            await self._counted.wait()

    async def watch(self) -> AsyncIterator[frozenset[str]]:
        """See `Subnets`."""
        while True:
            self._changed.clear()
            yield self._now
            await self._changed.wait()


@dataclass(frozen=True)
class Said:
    """An event, as `kubectl describe` shows it."""

    reason: str
    message: str
    count: int
    type: str
    about: str
    """The container, or nothing."""


@dataclass
class World:
    """Between `async with` and its end the node works."""

    kubernetes: FakeKubernetes = field(default_factory=lambda: FakeKubernetes(virtual_time.clock))
    provider: SimulatedProvider = field(
        default_factory=lambda: SimulatedProvider(virtual_time.clock)
    )
    subnets: FixedSubnets = field(default_factory=lambda: FixedSubnets(SUBNET))
    directory: PodDirectory = field(default_factory=PodDirectory)
    is_ready: bool = False
    _tasks: asyncio.TaskGroup = field(default_factory=asyncio.TaskGroup)
    _running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        for name in ("demo", "kube-node-lease", "default"):
            await self.kubernetes.create(NAMESPACES, "", {"metadata": {"name": name}})
        await self._tasks.__aenter__()
        self.begin()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.end()
        await self._tasks.__aexit__(kind, error, trace)

    def begin(self) -> None:
        """Start the agent."""
        self.directory = PodDirectory()
        parts = Parts(
            kubernetes=self.kubernetes,
            provider=self.provider,
            machine=MACHINE,
            endpoint=Endpoint("127.0.0.1", 10250),
            clock=virtual_time.clock,
            directory=self.directory,
            subnets=self.subnets,
        )
        self.is_ready = False
        self._running = self._tasks.create_task(Fleet(parts, self.subnets).run(self._set_ready))

    def _set_ready(self) -> None:
        assert not self.is_ready, "ready is said once"
        self.is_ready = True

    async def end(self) -> None:
        """Kill the agent; what it made goes on."""
        if self._running:
            self._running.cancel()
            await asyncio.wait([self._running])
            self._running = None

    async def apply(self, body: Object) -> Object:
        """Create a pod that is bound to the node already."""
        return await self.kubernetes.create(PODS, "demo", body)

    async def put(self, resource: Resource, name: str, **content: Any) -> None:
        """Create a Secret or ConfigMap."""
        assert resource in (SECRETS, CONFIG_MAPS)
        await self.kubernetes.create(resource, "demo", {"metadata": {"name": name}, **content})

    async def remove(self, name: str, **options: Any) -> None:
        """Ask for a pod's deletion."""
        await self.kubernetes.delete(PODS, "demo", name, options=options)

    async def pod(self, name: str) -> Object:
        """The pod as the API has it."""
        return await self.kubernetes.get(PODS, "demo", name)

    async def exists(self, name: str) -> bool:
        """Whether the API has the pod."""
        try:
            await self.pod(name)
        except ApiError:
            return False
        return True

    async def status(self, name: str, container: int = 0) -> Object:
        """The status of one of the pod's main containers."""
        status: Object = (await self.pod(name))["status"]["containerStatuses"][container]
        return status

    async def reason(self, name: str, container: int = 0) -> str:
        """Why a container waits or has ended; `Running` for one that runs."""
        pod = await self.pod(name)
        statuses = pod["status"].get("containerStatuses")
        if not statuses:
            return ""
        state = statuses[container]["state"]
        held: Mapping[str, str] = next(iter(state.values()))
        return held.get("reason", "Running")

    async def condition(self, name: str, kind: str) -> Object:
        """One of the pod's conditions."""
        conditions = (await self.pod(name))["status"]["conditions"]
        found: Object = next(one for one in conditions if one["type"] == kind)
        return found

    def events(self, name: str) -> list[Said]:
        """What was said of a pod, in the order in which it was said first."""
        of_pod = [
            event
            for event in self.kubernetes.all(EVENTS)
            if event["involvedObject"]["name"] == name
        ]
        of_pod.sort(key=lambda event: int(event["metadata"]["uid"].partition("-")[2]))
        return [_said(event) for event in of_pod]

    def reasons(self, name: str) -> list[str]:
        """The same, reasons only."""
        return [event.reason for event in self.events(name)]

    async def until(
        self, condition: Callable[[], Coroutine[Any, Any, bool]], within: float = 60.0
    ) -> float:
        """Let time pass until something is so; the seconds that it took."""
        began = asyncio.get_running_loop().time()
        async with asyncio.timeout(within):
            while not await condition():  # noqa: ASYNC110  # the API has no event for it
                await asyncio.sleep(0.05)
        return asyncio.get_running_loop().time() - began

    async def until_reason(self, name: str, reason: str, within: float = 60.0) -> float:
        """Let time pass until the first container is like this."""

        async def is_so() -> bool:
            return await self.reason(name) == reason

        return await self.until(is_so, within)

    async def until_phase(self, name: str, phase: str, within: float = 60.0) -> float:
        """Let time pass until the pod is in this phase."""

        async def is_so() -> bool:
            return bool((await self.pod(name))["status"]["phase"] == phase)

        return await self.until(is_so, within)

    async def until_gone(self, name: str, within: float = 60.0) -> float:
        """Let time pass until the API has the pod no more."""

        async def is_so() -> bool:
            return not await self.exists(name)

        return await self.until(is_so, within)


def container(name: str = "web", image: str = IMAGE, **fields: Any) -> Object:
    """A container of a pod."""
    return {"name": name, "image": image, "imagePullPolicy": "IfNotPresent"} | fields


def pod(name: str, *containers: Object, metadata: Object | None = None, **spec: Any) -> Object:
    """A pod on the node."""
    body = {"nodeName": NODE, "containers": list(containers or [container()])} | spec
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "demo"} | (metadata or {}),
        "spec": body,
    }


def ends(*codes: int, after: float = 1.0) -> Script:
    """An image whose runs end by themselves, with these codes."""
    return Script(lives=tuple(Life(after, code) for code in codes))


def play(scenario: Callable[[World], Coroutine[Any, Any, T]]) -> T:
    """Play a scenario in a world of its own."""

    async def whole() -> T:
        async with World() as world:
            return await scenario(world)

    return virtual_time.run(whole())


def messages(events: Sequence[Said]) -> list[str]:
    """What was said, with the reasons."""
    return [f"{event.reason}: {event.message}" for event in events]


def _said(event: Object) -> Said:
    path = event["involvedObject"].get("fieldPath", "")
    about = path.partition("{")[2].rstrip("}")
    return Said(event["reason"], event["message"], event["count"], event["type"], about)
