"""Says why a pull fails, beside what the runtime says: one event for each new verdict.

A diagnosis takes seconds and looks at the same registry as the pull. So it is made beside the pull
and never waited for: after a failure, and once while a pull has made no headway for so long that its
own timeouts would keep its cause from people for half a minute.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from towline.cluster.kubernetes import Kubernetes
from towline.cluster.node import texts
from towline.cluster.node.pod_seen import pod_seen
from towline.cluster.node.provider import Case, Doctor, Finding
from towline.cluster.node.pull_secrets import pull_secrets
from towline.cluster.node.pull_watch import PullWatch
from towline.cluster.node.voice import Voice
from towline.kube.pod import Container, Pod
from towline.problem import Problem
from towline.pull.attempt import Attempt
from towline.pull.keyring import InvalidDockerConfig, Keyring
from towline.pull.progress import Tally

AT_ONCE = 4  # diagnoses of one node: what fails together has one cause more often than not

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Trouble:
    """What there is to explain: whose pull, and how it went so far."""

    pod: Pod
    container: Container
    voice: Voice
    text: str = ""
    """What the runtime said; empty while the pull hangs."""
    attempt: Attempt | None = None

    @property
    def key(self) -> str:
        """A verdict is told once for each pod and image."""
        return f"{self.pod.metadata.uid}_{self.container.image}"


class Examiner:
    """Presents pulls to the doctor, with what the Kubernetes API has to say of their pods."""

    def __init__(self, kubernetes: Kubernetes, doctor: Doctor) -> None:
        self._kubernetes = kubernetes
        self._doctor = doctor

    async def examine(
        self, pod: Pod, image: str, text: str = "", attempt: Attempt | None = None
    ) -> Finding:
        """Why a pull of the pod fails. Raises `Problem` when nobody can look."""
        seen = await pod_seen(self._kubernetes, pod, image)
        keyring = await self._keyring(pod)
        case = Case(pod.metadata.uid, seen, keyring, text, attempt)
        return await self._doctor.examine(case)

    async def _keyring(self, pod: Pod) -> Keyring:
        try:
            return (await pull_secrets(self._kubernetes, pod)).keyring
        except InvalidDockerConfig:
            return Keyring()  # which Secret it is, the pod as seen says


class Diagnosing:
    """The diagnoses of one node's pulls."""

    def __init__(self, examiner: Examiner) -> None:
        self._examiner = examiner
        self._turns: asyncio.Queue[str] = asyncio.Queue()
        self._waiting = dict[str, Trouble]()
        """What came of a pull last. However often it fails while it waits, it is looked at once."""
        self._busy = set[str]()
        self._told = dict[str, tuple[str, str]]()

    async def run(self) -> None:
        """Explain what comes, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(self._work())

    def explain(self, trouble: Trouble) -> None:
        """See to it that a pull is explained; returns at once."""
        key = trouble.key
        if key not in self._waiting and key not in self._busy:
            self._turns.put_nowait(key)
        self._waiting[key] = trouble

    @contextmanager
    def watching(self, trouble: Trouble, tally: Tally) -> Iterator[None]:
        """For the length of the block, have the pull explained once it makes no headway."""
        watch = PullWatch(tally, lambda: self.explain(trouble))
        try:
            yield
        finally:
            watch.end()

    def forget(self, pod_uid: str) -> None:
        """Drop what is remembered of a pod that is gone, and look at it no more."""
        for held in (self._told, self._waiting):
            for key in [key for key in held if key.startswith(f"{pod_uid}_")]:
                del held[key]

    async def _work(self) -> None:
        while True:
            key = await self._turns.get()
            trouble = self._waiting.pop(key, None)
            if trouble is None:
                continue  # its pod is gone
            self._busy.add(key)
            try:
                await self._tell(trouble)
            except Problem as problem:
                _log.info("pull not explained", pod=trouble.pod.full_name, cause=problem.cause)
            except Exception:  # noqa: BLE001  # a defect here must not end the node's other work
                _log.exception("a diagnosis failed", pod=trouble.pod.full_name)
            finally:
                self._busy.discard(key)
                if key in self._waiting:
                    self._turns.put_nowait(key)

    async def _tell(self, trouble: Trouble) -> None:
        image = trouble.container.image
        found = await self._examiner.examine(trouble.pod, image, trouble.text, trouble.attempt)
        verdict = found.verdict
        if verdict is None:
            return
        said = verdict.code, verdict.cause
        if self._told.get(trouble.key) != said:
            self._told[trouble.key] = said
            trouble.voice.say(texts.diagnosed(image, verdict), trouble.container.name)
