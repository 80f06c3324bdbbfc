"""A provider that makes nothing: pods live as a script of stages says, as kwok's do.

A script says for each image how its pull goes and how long its containers live. Time is the running
loop's, so that scenarios run in virtual time. What real providers promise is kept: opening and
closing twice is once, a name runs only once at a time, and everything outlives the node's process.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from towline.cluster.node.provider import (
    Case,
    Completion,
    ContainerId,
    ContainerSpec,
    Executed,
    Exit,
    Finding,
    Image,
    Missing,
    PodIdentity,
    StandingContainer,
    StandingPod,
    StartFailed,
)
from towline.diagnosis.facts import Facts
from towline.diagnosis.verdict import Verdict
from towline.oci.digest import Digest
from towline.oci.reference import Reference
from towline.problem import Problem
from towline.pull.attempt import Attempt, PullFailed
from towline.pull.image_cache import CacheMatch
from towline.pull.keyring import Keyring
from towline.pull.progress import Phase, Progress

TRANSFER_TICK = 0.5
SIGTERM_CODE, SIGKILL_CODE = 143, 137


@dataclass(frozen=True, slots=True)
class Life:
    """One run of a container. It ends after `seconds`, or, if None, when it is stopped."""

    seconds: float | None = None
    code: int = 0
    refused: str = ""
    """What the runtime says instead of running it."""
    deaf: bool = False
    """Whether it ignores the signal to end."""


@dataclass(slots=True)
class Script:
    """How an image behaves."""

    pull_seconds: float = 1.0
    silent: float = 0.0
    """Seconds before the first byte of a pull."""
    pull_errors: list[str] = field(default_factory=list)
    """What the next pulls fail with; when there is none left, pulls succeed."""
    always_fails: str = ""
    size: int = 1000
    whole_after: float = 0.0
    """Seconds after a pull until the image is whole; 0 when it is whole at once."""
    spoilt: str = ""
    """Why it will never be."""
    user: str = ""
    lives: Sequence[Life] = (Life(),)
    """The first runs; the last one repeats."""


@dataclass(slots=True)
class _Container:
    spec: ContainerSpec
    life: Life
    began: float
    ended: asyncio.Future[Exit]


@dataclass(slots=True)
class _Pod:
    identity: PodIdentity
    address: str
    images: dict[str, Image] = field(default_factory=dict)
    containers: dict[ContainerId, _Container] = field(default_factory=dict)


class SimulatedProvider:
    """Implements `Provider`. `log` of what was asked is there for tests to look at."""

    def __init__(self, clock: Callable[[], float], folder: Path = Path("/nonexistent")) -> None:
        self.scripts: dict[str, Script] = {}
        self.pods: dict[str, _Pod] = {}
        self.keyrings: list[Keyring] = []
        self.starts: list[ContainerSpec] = []
        self.stops: list[tuple[ContainerId, float]] = []
        self.opening_fails: list[str] = []
        self.defects: list[Exception] = []
        """What the next pulls raise that no provider should."""
        self.cases: list[Case] = []
        """What was to be explained."""
        self.verdict: Verdict | None = None
        """What every pull that is looked at suffers from."""
        self.caches: dict[str, CacheMatch] = {}
        """What image caches have for pods, by uid."""
        self.broken = False
        """Whether looking at a pull raises what nobody foresaw."""
        self.executed: list[tuple[str, ...]] = []
        self.execute_codes: list[int] = []
        self._clock = clock
        self._folder = folder
        self._address = 1

    async def open(self, pod: PodIdentity) -> str:
        """See `Sandboxes`."""
        if self.opening_fails:
            raise Problem("no-address", cause=self.opening_fails.pop(0), remedy="none")
        if pod.uid not in self.pods:
            self._address += 1
            self.pods[pod.uid] = _Pod(pod, f"10.0.0.{self._address}")
        return self.pods[pod.uid].address

    async def close(self, pod_uid: str) -> None:
        """See `Sandboxes`."""
        for container in self._containers(pod_uid).values():
            self._end(container, SIGKILL_CODE, "Error")
        self.pods.pop(pod_uid, None)

    async def inventory(self) -> tuple[StandingPod, ...]:
        """See `Sandboxes`."""
        return tuple(self._standing(uid, pod) for uid, pod in self.pods.items())

    async def missing(self, pod_uid: str, image: Image) -> Missing | None:
        """See `Images`. What is whole later is half here."""
        script = self._script(image.reference)
        return Missing(script.size // 2, script.size) if script.whole_after else None

    async def completion(self, pod_uid: str, image: Image) -> Completion | None:
        """See `Images`."""
        script = self._script(image.reference)
        if not script.whole_after:
            return None
        await asyncio.sleep(script.whole_after)
        return Completion(script.size, script.whole_after, script.spoilt)

    async def cache_for(self, pod_uid: str, images: tuple[str, ...]) -> CacheMatch | None:
        """See `Images`."""
        assert images, "a pod has images"
        return self.caches.get(pod_uid)

    async def find(self, pod_uid: str, image: str) -> Image | None:
        """See `Images`."""
        return self.pods[pod_uid].images.get(image)

    async def pull(self, pod_uid: str, image: str, keyring: Keyring, progress: Progress) -> Image:
        """See `Images`."""
        self.keyrings.append(keyring)
        if self.defects:
            raise self.defects.pop(0)
        script = self._script(image)
        await asyncio.sleep(script.silent)
        await _transfer(script, progress)
        error = script.pull_errors.pop(0) if script.pull_errors else script.always_fails
        reference = Reference.parse(image)
        if error:
            raise PullFailed((Attempt(reference, None, ()),), "Unknown", error)
        found = Image(str(reference), f"sha256:{'1' * 64}", script.size, script.user)
        self.pods[pod_uid].images[image] = found
        return found

    async def examine(self, case: Case) -> Finding:
        """See `Doctor`."""
        self.cases.append(case)
        if self.broken:
            raise RuntimeError("the doctor is ill")
        return Finding(self.verdict, Facts(image=case.pod.image, pod=case.pod))

    async def start(self, spec: ContainerSpec) -> float:
        """See `Containers`."""
        held = self._containers(spec.id.pod_uid)
        alive = [one for one in held if one.name == spec.id.name and not held[one].ended.done()]
        assert not alive, f"{spec.id} would be a second run beside {alive}"
        assert spec.id not in held, f"{spec.id} was there before"
        self.starts.append(spec)
        lives = self._script(spec.image.reference).lives
        life = lives[min(spec.id.attempt, len(lives) - 1)]
        await asyncio.sleep(0.05)
        if life.refused:
            raise StartFailed(life.refused)
        loop = asyncio.get_running_loop()
        container = _Container(spec, life, self._clock(), loop.create_future())
        held[spec.id] = container
        if life.seconds is not None:
            reason = "Completed" if life.code == 0 else "Error"
            loop.call_later(life.seconds, self._end, container, life.code, reason)
        return container.began

    async def wait(self, container: ContainerId) -> Exit:
        """See `Containers`."""
        return await asyncio.shield(self._containers(container.pod_uid)[container].ended)

    async def stop(self, container: ContainerId, *, grace: float) -> None:
        """See `Containers`."""
        self.stops.append((container, grace))
        held = self._containers(container.pod_uid)[container]
        if held.life.deaf:
            await asyncio.sleep(grace)
            self._end(held, SIGKILL_CODE, "Error")
        else:
            await asyncio.sleep(0.1)
            self._end(held, SIGTERM_CODE, "Error")

    def log(self, container: ContainerId) -> Path:
        """See `Containers`."""
        return self._folder / f"{container}.log"

    async def socket(self, pod_uid: str) -> socket.socket:
        """See `Reach`: pods of a simulation are on this host."""
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.setblocking(False)
        return made

    async def execute(self, container: ContainerId, command: tuple[str, ...]) -> Executed:
        """See `Reach`."""
        if self._containers(container.pod_uid)[container].ended.done():
            raise StartFailed("container not running")
        self.executed.append(command)
        code = self.execute_codes.pop(0) if self.execute_codes else 0
        return Executed(code, "" if code == 0 else f"code {code}")

    def running(self) -> list[str]:
        """The names of the containers that run now."""
        return [
            one.name
            for pod in self.pods.values()
            for one, container in pod.containers.items()
            if not container.ended.done()
        ]

    def lose(self, pod_uid: str) -> None:
        """Forget a pod, as a machine does that was switched off."""
        self.pods.pop(pod_uid, None)

    def _script(self, image: str) -> Script:
        for text, script in self.scripts.items():
            if str(Reference.parse(text)) == str(Reference.parse(image)):
                return script
        return Script()

    def _containers(self, pod_uid: str) -> dict[ContainerId, _Container]:
        pod = self.pods.get(pod_uid)
        return pod.containers if pod else {}

    def _end(self, container: _Container, code: int, reason: str) -> None:
        if not container.ended.done():
            container.ended.set_result(Exit(code, reason, "", container.began, self._clock()))

    def _standing(self, uid: str, pod: _Pod) -> StandingPod:
        containers = tuple(
            StandingContainer(
                one,
                held.spec.image,
                held.began,
                held.ended.result() if held.ended.done() else None,
            )
            for one, held in pod.containers.items()
        )
        images, cluster_id = tuple(pod.images.values()), pod.identity.cluster_id
        return StandingPod(uid, pod.address, images, containers, cluster_id)


async def _transfer(script: Script, progress: Progress) -> None:
    """One layer that comes evenly, told of as often as a real one."""
    layer, steps = Digest.of(b"layer"), max(round(script.pull_seconds / TRANSFER_TICK), 1)
    progress.layer(layer, Phase.WAITING, 0, script.size)
    for step in range(steps):
        progress.layer(layer, Phase.TRANSFERRING, script.size * step // steps, script.size)
        await asyncio.sleep(script.pull_seconds / steps)
    progress.layer(layer, Phase.DONE, script.size, script.size)
