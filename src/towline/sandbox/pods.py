"""Pods: a folder, a network namespace, and what their containers share.

The folder is there before anything else of a pod is made, and is removed after everything else: so
whatever a process that was killed left of a pod can be found.
"""

from __future__ import annotations

from dataclasses import dataclass

from towline.cluster.node.provider import Image, PodIdentity, StandingPod
from towline.content.extract import remove_tree
from towline.linux.mounts import mount_memory, unmount_below
from towline.network.attachment import own_nameservers
from towline.sandbox import record_file
from towline.sandbox.containers import Containers
from towline.sandbox.image_cache import is_of_cache
from towline.sandbox.pod_files import pod_files
from towline.sandbox.pod_folder import PodFolder, PodFolders
from towline.sandbox.pod_images import PodImages
from towline.sandbox.pod_locks import PodLocks
from towline.sandbox.pod_namespaces import PodNamespaces
from towline.sandbox.record import PodRecord
from towline.sandbox.thread_work import in_thread

_SHARED_MEMORY = "mode=1777,size=65536k"  # containerd's /dev/shm
_FILES = "mode=0755"


@dataclass(frozen=True, slots=True)
class Pods:
    """All pods of this sandbox."""

    folders: PodFolders
    locks: PodLocks
    network: PodNamespaces
    images: PodImages
    containers: Containers

    async def open(self, identity: PodIdentity) -> str:
        """Give a pod its namespace and its files; its address. Doing it twice is the same as once:
        what it was at first is what it stays.
        """
        pod = self.folders.of(identity.uid)
        async with self.locks.of(pod.uid):
            if pod.is_closing:
                await self._close(pod)
            pod.make()
            known = pod.record or PodRecord(identity)
            pod.keep(known)
            identity = known.identity
            address = await self.network.attach(pod.uid, identity.subnet_id, identity)
            for place, options in ((pod.shm, _SHARED_MEMORY), (pod.files, _FILES)):
                if not place.is_mount():
                    mount_memory(place, options)
            if not pod.is_whole:
                own = own_nameservers(identity.annotations)
                nameservers = own or self.network.nameservers(pod.uid)
                for name, content in pod_files(identity, address, nameservers).items():
                    record_file.replace(pod.etc / name, content)
            return address

    async def close(self, uid: str) -> None:
        """Remove everything that a pod had."""
        async with self.locks.of(uid):
            await self._close(self.folders.of(uid))

    async def _close(self, pod: PodFolder) -> None:
        if pod.path.exists():
            pod.begin_closing()
        await self.containers.discard_all(pod)
        await self.network.detach(pod.uid)
        await in_thread(lambda: _remove(pod))
        await self.images.forget(pod.uid)

    async def inventory(self) -> tuple[StandingPod, ...]:
        """All pods that have anything standing, those that are nothing but a namespace included."""
        namespaces = {uid for uid in self.network.standing() if not is_of_cache(uid)}
        uids = {pod.uid for pod in self.folders} | namespaces
        return tuple([await self._standing(self.folders.of(uid)) for uid in sorted(uids)])

    async def _standing(self, pod: PodFolder) -> StandingPod:
        async with self.locks.of(pod.uid):
            address = self.network.standing().get(pod.uid, "")
            found = [await self.containers.standing(each) for each in pod.containers()]
            images = tuple(_distinct(pod))
            known = pod.record
            cluster_id = known.identity.cluster_id if known else ""
            return StandingPod(pod.uid, address, images, tuple(filter(None, found)), cluster_id)

    async def recover(self) -> None:
        """Finish or remove what an earlier process left half done."""
        standing = self.network.standing()
        for pod in self.folders:
            if pod.is_closing or not pod.is_whole or pod.uid not in standing:
                await self.close(pod.uid)
                continue
            for container in pod.containers():
                await self.containers.recover(container)
        await self.images.tidy()


def _distinct(pod: PodFolder) -> dict[Image, None]:
    """Each image once; of two under one reference the latest is the pod's."""
    latest = {record.image.reference: record.image for record in reversed(pod.images())}
    return dict.fromkeys(latest.values())


def _remove(pod: PodFolder) -> None:
    unmount_below(pod.path)
    remove_tree(pod.path)
