"""The containers that use certain layers, and their end when these can no longer be read."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass

from towline.linux.runtime_process import end_runtime_processes
from towline.oci.digest import Digest
from towline.sandbox.containers import Containers
from towline.sandbox.pod_folder import ContainerFolder
from towline.sandbox.pods import Pods
from towline.sandbox.remains import Remains
from towline.sandbox.thread_work import in_thread

_CONMONS_GRACE = 2.0


@dataclass(frozen=True, slots=True)
class ContainerTenants:
    """Implements `towline.sandbox.lazy.start.Tenants`."""

    pods: Pods
    remains: Remains

    async def evict(self, layers: frozenset[Digest]) -> None:
        """See `Tenants`. All are killed before anything is waited for."""
        for folder in self._using(layers):
            if started := folder.started:
                started.process.signal(signal.SIGKILL)
        for pod in self.pods.folders:
            async with self.pods.locks.of(pod.uid):
                for folder in self._using(layers):
                    if folder.pod.uid == pod.uid:
                        await self._end(folder)
        await self.pods.images.unmount(layers)

    def _using(self, layers: frozenset[Digest]) -> Iterator[ContainerFolder]:
        """Containers that have not ended."""
        for pod in self.pods.folders:
            for folder in pod.containers():
                record = folder.record
                image = pod.image(record.image) if record else None
                used = image.config.diff_ids if image else ()
                if folder.ended is None and not layers.isdisjoint(used):
                    yield folder

    async def _end(self, folder: ContainerFolder) -> None:
        """The pod's lock is held, so nobody is making or ending it."""
        if folder.started is None:
            await self.remains.discard(folder)
            return
        await in_thread(lambda: self._kill(folder))
        await self._containers.settle(folder)

    def _kill(self, folder: ContainerFolder) -> None:
        """With whoever was sent into it; conmon writes down how it ended."""
        remains = self.remains
        remains.cgroups.end(folder.group(remains.cgroup))
        end_runtime_processes(remains.runtime.state, folder.id, grace=_CONMONS_GRACE)

    @property
    def _containers(self) -> Containers:
        return self.pods.containers
