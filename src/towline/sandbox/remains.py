"""What is left of a container, and giving it back to the machine."""

from __future__ import annotations

import contextlib
import shutil
import time
from dataclasses import dataclass

from towline.cluster.node.provider import Exit
from towline.content.extract import remove_tree
from towline.linux.cgroups import Cgroups
from towline.linux.mounts import unmount_if_mounted
from towline.linux.oci_runtime import OciRuntime, RuntimeRefused
from towline.linux.runtime_process import end_runtime_processes
from towline.sandbox.pod_folder import ContainerFolder, PodFolder
from towline.sandbox.record import StartRecord
from towline.sandbox.thread_work import in_thread
from towline.sandbox.volumes import remove_volumes

UNKNOWN_CODE = 255  # containerd's for an end that it did not see
START_FAILED_CODE = 128  # containerd's errorStartExitCode
MESSAGE_AT_MOST = 4096  # the kubelet's MaxContainerTerminationMessageLength
_UNSEEN = "the container's monitor ended before it"


@dataclass(frozen=True, slots=True)
class Remains:
    """Reads how containers ended, and clears up after them."""

    runtime: OciRuntime
    cgroups: Cgroups
    cgroup: str

    def read_exit(self, folder: ContainerFolder, start: StartRecord) -> Exit:
        """How a container ended whose monitor has ended."""
        files = folder.runtime_files()
        try:
            code, finished_at = int(files.exit.read_text()), files.exit.stat().st_mtime
        except (FileNotFoundError, ValueError):
            return Exit(UNKNOWN_CODE, "Error", _UNSEEN, start.started_at, time.time())
        group = folder.group(self.cgroup)
        starved = files.starved.exists() or self.cgroups.was_starved(group)
        reason = "Completed" if code == 0 else "OOMKilled" if starved else "Error"
        return Exit(code, reason, _last_words(folder), start.started_at, finished_at)

    async def end_pod(self, pod: PodFolder) -> None:
        """Remove the control group of a pod, and kill whatever is still in it."""
        group = pod.group(self.cgroup)
        await in_thread(lambda: self.cgroups.end(group))

    async def discard(self, folder: ContainerFolder) -> None:
        """Remove a container, however far it came: afterwards it was never there."""
        if not folder.path.exists():
            return
        await self.abandon(folder)
        await in_thread(lambda: remove_tree(folder.path))

    async def abandon(self, folder: ContainerFolder) -> None:
        """Give back what a container has, also where a runtime is still at work on it."""
        state = self.runtime.state
        await in_thread(lambda: end_runtime_processes(state, folder.id))
        await self.release(folder)

    async def release(self, folder: ContainerFolder) -> None:
        """Give back what a container has of the machine, killing it if it lives. What is written
        down of it stays, and so does its log.
        """
        with contextlib.suppress(RuntimeRefused):  # it was only half made: cleared by hand
            await self.runtime.delete(folder.id)
        await in_thread(lambda: self._clear(folder))

    def _clear(self, folder: ContainerFolder) -> None:
        self.cgroups.end(folder.group(self.cgroup))
        shutil.rmtree(self.runtime.state / folder.id, ignore_errors=True)
        unmount_if_mounted(folder.root)
        remove_volumes(folder)
        for path in folder.held:
            remove_tree(path)


def _last_words(folder: ContainerFolder) -> str:
    """What the container wrote to say at its end."""
    try:
        with folder.termination_log.open("rb") as file:
            return file.read(MESSAGE_AT_MOST).decode(errors="replace")
    except FileNotFoundError:
        return ""
