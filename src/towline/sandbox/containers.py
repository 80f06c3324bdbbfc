"""Containers: made in small steps, each of which may be the last that this process does.

A container is written down before anything of it is made, and its process is written down before it
is let run. So after a crash there are three cases and no others: it has no process yet, and is
rubbish; it has one that waits to be let run; it runs, or has ended. What it had of the machine is
given back when it has ended, and its log stays until its pod is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from dataclasses import replace

from towline.cluster.node.provider import (
    ContainerId,
    ContainerSpec,
    Executed,
    Exit,
    StandingContainer,
    StartFailed,
)
from towline.linux.oci_runtime import OciRuntime, RuntimeRefused
from towline.linux.process import Process
from towline.linux.runtime_exec import execute
from towline.linux.runtime_message import TIMED_OUT, exec_refusal, refusal
from towline.sandbox.bundle import Bundles
from towline.sandbox.pod_folder import ContainerFolder, PodFolder, PodFolders
from towline.sandbox.pod_locks import PodLocks
from towline.sandbox.record import ContainerRecord, StartRecord
from towline.sandbox.remains import START_FAILED_CODE, Remains
from towline.sandbox.stop_signal import stop_signal

KEPT_ATTEMPTS = 1  # the kubelet's MaxPerPodContainer


class Containers:
    """The containers of all pods."""

    def __init__(
        self, pods: PodFolders, locks: PodLocks, bundles: Bundles, remains: Remains
    ) -> None:
        self._pods = pods
        self._locks = locks
        self._bundles = bundles
        self._remains = remains

    @property
    def _runtime(self) -> OciRuntime:
        return self._remains.runtime

    async def start(self, spec: ContainerSpec) -> float:
        """Run a container, unless it was run before; when it started. Raises `StartFailed`."""
        folder = self._folder(spec.id)
        async with self._locks.of(spec.id.pod_uid):
            if folder.pod.record is None or folder.pod.is_closing:
                raise LookupError(f"pod {spec.id.pod_uid} is not open")
            if ended := folder.ended:
                return _started(ended)
            if started := folder.started:
                await self._let_run(folder)
                return started.started_at
            await self._remains.discard(folder)
            await self._forget_older(folder, spec.id)
            return await self._start(folder, spec)

    async def _forget_older(self, folder: ContainerFolder, container: ContainerId) -> None:
        """Of the attempts before, only the last is kept, with its log: as the kubelet does."""
        for attempt in range(container.attempt - KEPT_ATTEMPTS - 1, -1, -1):
            older = folder.pod.container(replace(container, attempt=attempt))
            if not older.path.exists():
                break
            await self._remains.discard(older)
            older.runtime_files().log.unlink(missing_ok=True)

    async def _start(self, folder: ContainerFolder, spec: ContainerSpec) -> float:
        self._announce()
        files = folder.runtime_files(terminal=spec.tty)
        folder.path.mkdir()
        folder.keep(ContainerRecord(spec.id, spec.image, self._stop_signal(folder, spec)))
        files.log.touch()
        program = ""
        try:
            program = await self._bundles.make(folder, spec)
            folder.monitor.mkdir()
            async with asyncio.timeout(self._bundles.settings.start_patience):
                held = self._bundles.descriptors(folder, spec.image)
                started = _noted(folder, await self._runtime.create(files, held))
            await self._runtime.start(folder.id)
        except (RuntimeRefused, TimeoutError) as error:
            text = refusal(self._runtime.name, str(error) or TIMED_OUT, program)
            await self._give_up(folder, text)
            raise StartFailed(text) from error
        except StartFailed as error:
            await self._give_up(folder, str(error))
            raise
        return started.started_at

    def _announce(self) -> None:
        """Let the kernel make ready beside us for the process that will be moved into its group."""
        cgroups = self._remains.cgroups
        asyncio.get_running_loop().run_in_executor(None, cgroups.expect_arrival)

    def _stop_signal(self, folder: ContainerFolder, spec: ContainerSpec) -> int:
        image = folder.pod.image(spec.image)
        return stop_signal(image.config.stop_signal if image else "")

    async def _give_up(self, folder: ContainerFolder, text: str) -> None:
        folder.keep(Exit(START_FAILED_CODE, "StartError", text, 0, time.time()))
        await self._remains.abandon(folder)

    async def _let_run(self, folder: ContainerFolder) -> None:
        """Start what is made and waits; whoever began that may be at it still."""
        if not self._runtime.waits(folder.id):
            return
        try:
            await self._runtime.start(folder.id)
        except RuntimeRefused:
            if self._runtime.waits(folder.id):
                raise

    async def wait(self, container: ContainerId) -> Exit:
        """How it ended, when it has ended."""
        folder = self._folder(container)
        while True:
            async with self._locks.of(container.pod_uid):
                ended = await self.settle(folder)
            if ended is not None:
                return ended
            started = folder.started
            if started is None:
                raise LookupError(f"container {container} was not started")
            await started.monitor.ended()

    async def stop(self, container: ContainerId, *, grace: float) -> None:
        """Ask it to end, then make it end; see the provider's port."""
        folder = self._folder(container)
        record, started = folder.record, folder.started
        if record is None or started is None:
            return
        started.process.signal(record.stop_signal)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self.wait(container)
                return
        started.process.signal(signal.SIGKILL)
        await self.wait(container)

    async def execute(self, container: ContainerId, command: tuple[str, ...]) -> Executed:
        """Run a command in a running container; see the provider's port."""
        folder = self._folder(container)
        try:
            code, said = await execute(self._runtime, folder.runtime_files(), command)
        except RuntimeRefused as error:
            text = exec_refusal(self._runtime.name, str(error), command[0])
            raise StartFailed(text) from error
        return Executed(code, said.decode(errors="replace"))

    async def settle(self, folder: ContainerFolder) -> Exit | None:
        """How a container ended, written down and cleared up; None while it runs or has no process.

        The pod's lock is held.
        """
        if ended := folder.ended:
            if any(path.exists() for path in folder.held):  # somebody was stopped in the middle
                await self._remains.release(folder)
            return ended
        started = folder.started
        if started is None or started.monitor.lives():
            return None
        ended = self._remains.read_exit(folder, started)
        folder.keep(ended)
        await self._remains.release(folder)
        return ended

    async def recover(self, folder: ContainerFolder) -> None:
        """Bring a container that an earlier process left to one of its proper states."""
        if folder.ended is not None:
            await self._remains.release(folder)
        elif folder.started is None:
            await self._remains.discard(folder)
        else:
            await self._let_run(folder)

    async def discard_all(self, pod: PodFolder) -> None:
        """Remove all containers of a pod, whatever they do. The pod's lock is held."""
        for folder in pod.containers():
            await self._remains.discard(folder)
        await self._remains.end_pod(pod)

    async def standing(self, folder: ContainerFolder) -> StandingContainer | None:
        """What is known of a container; None for one that is half made. The pod's lock is held."""
        ended = await self.settle(folder)
        record, started = folder.record, folder.started
        if record is None or (started is None and ended is None):
            return None
        started_at = started.started_at if started else 0.0
        return StandingContainer(record.id, record.image, started_at, ended)

    def _folder(self, container: ContainerId) -> ContainerFolder:
        return self._pods.of(container.pod_uid).container(container)


def _started(ended: Exit) -> float:
    if not ended.started_at:
        raise StartFailed(ended.message)
    return ended.started_at


def _noted(folder: ContainerFolder, pid: int) -> StartRecord:
    """Write down which process it is, before it runs."""
    process = Process.of(pid)
    monitor = Process.of(int(folder.runtime_files().monitor_pid.read_text()))
    if process is None or monitor is None:
        raise RuntimeRefused("the container's process was killed before it was started")
    started = StartRecord(process, monitor, time.time())
    folder.keep(started)
    return started
