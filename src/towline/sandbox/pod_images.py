"""Images, each pulled by a pod for itself.

Nothing is shared between pods but verified bytes: a pod that asks for an image shows its own
credentials in its own network, whoever has fetched the same layers before. What a pod has pulled is
its own until it is closed, and its layers stay as long.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from towline.cluster.node.provider import Image, PodIdentity
from towline.content.garbage import PERIOD, WaterMarks, period
from towline.content.layers import LayerStore
from towline.kube.annotations import USE_IMAGE_CACHE
from towline.linux.wire import SocketWire
from towline.network.attachment import own_nameservers
from towline.oci.digest import Digest
from towline.oci.platform import Platform
from towline.oci.reference import Reference
from towline.pull.flow import PulledImage, pull
from towline.pull.image_cache import CacheMatch
from towline.pull.keyring import Keyring
from towline.pull.layers import Layer, Receipt, Source
from towline.pull.policy import RegistryPolicy
from towline.pull.progress import NoProgress, Progress
from towline.sandbox.image_cache import Caches
from towline.sandbox.lower_layers import LowerLayers, Stack
from towline.sandbox.pod_folder import PodFolder, PodFolders
from towline.sandbox.pod_namespaces import PodNamespaces
from towline.sandbox.record import ImageRecord
from towline.sandbox.settings import SandboxSettings


@dataclass(frozen=True, slots=True)
class Stock:
    """Where layers are, and how they are stacked."""

    layers: LayerStore
    lowers: LowerLayers


class PodImages:
    """The images of all pods."""

    def __init__(
        self,
        pods: PodFolders,
        stock: Stock,
        network: PodNamespaces,
        settings: SandboxSettings,
        caches: Caches,
    ) -> None:
        self._pods = pods
        self._layers = stock.layers
        self._lowers = stock.lowers
        self._network = network
        self._caches = caches
        self._settings = settings
        self._leases = set[_Lease]()
        """Pulls that are under way."""
        self._stacks = {pod.uid: {_stack(record) for record in pod.images()} for pod in pods}
        self._wishes = {pod.uid: _annotations(pod) for pod in pods}
        """What each pod says of the disk, among other things."""

    def find(self, uid: str, image: str) -> ImageRecord | None:
        """What this pod pulled last under a reference, as long as all of it is here."""
        reference = str(Reference.parse(image))
        for record in self._pods.of(uid).images():
            if record.image.reference == reference:
                whole = all(map(self._layers.has, record.config.diff_ids))
                return record if whole else None
        return None

    async def pull(self, uid: str, image: str, keyring: Keyring, progress: Progress) -> Image:
        """Fetch an image from a pod's network, with the policy of the pod's annotations.

        Raises `PullFailed`; then, and when it is cancelled, the pod is as it was.
        """
        pod = self._pods.of(uid)
        known = pod.record
        if known is None:
            raise LookupError(f"pod {pod.uid} is not open")
        self._wishes[uid] = known.identity.annotations
        lease = _Lease(self._layers, progress)
        self._leases.add(lease)
        try:
            pulled = await self._fetch(known.identity, Reference.parse(image), keyring, lease)
            kept = self._keep(pod, pulled)
        finally:
            self._leases.remove(lease)
        await self.tidy()
        return kept

    async def fetch(self, identity: PodIdentity, image: str, keyring: Keyring) -> PulledImage:
        """Fetch an image from a namespace that need not be a pod's; whoever wants its layers to stay
        sees to that at once. Raises `PullFailed`.
        """
        lease = _Lease(self._layers, NoProgress())
        self._leases.add(lease)
        try:
            return await self._fetch(identity, Reference.parse(image), keyring, lease)
        finally:
            self._leases.remove(lease)

    def room(self, layers: Collection[Digest]) -> int | None:
        """How many bytes of the disk layers take; None when not all of them are here."""
        sizes = {layer.diff_id: layer.size for layer in self._layers.kept()}
        if not sizes.keys() >= set(layers):
            return None
        return sum(sizes[layer] for layer in set(layers))

    async def cache_for(self, uid: str, images: tuple[str, ...]) -> CacheMatch | None:
        """The image cache that a pod's annotation asks for, and what it has of its images."""
        wish = _annotations(self._pods.of(uid)).get(USE_IMAGE_CACHE, "").strip()
        return await self._caches.serve(wish, images)

    async def _fetch(
        self, identity: PodIdentity, reference: Reference, keyring: Keyring, lease: _Lease
    ) -> PulledImage:
        wire = SocketWire(
            self._network.namespace_path(identity.uid),
            own_nameservers(identity.annotations) or self._network.nameservers(identity.uid),
            self._settings.ca_file,
            self._settings.dial_timeout,
        )
        try:
            return await pull(
                reference,
                RegistryPolicy.from_annotations(identity.annotations),
                keyring,
                wire=wire,
                layers=lease,
                platform=Platform.of_machine(os.uname().machine),
                progress=lease.progress,
            )
        finally:
            wire.close()

    def _keep(self, pod: PodFolder, pulled: PulledImage) -> Image:
        image = Image(str(pulled.reference), str(pulled.digest), pulled.size, pulled.config.user)
        record = ImageRecord(image, pulled.config, time.time())
        pod.keep_image(record)
        self._stacks.setdefault(pod.uid, set()).add(_stack(record))
        return image

    def stack(self, record: ImageRecord) -> Stack:
        """The image's layers, noted as wanted now."""
        for diff_id in record.config.diff_ids:
            self._layers.touch(diff_id)
        return _stack(record)

    async def forget(self, uid: str) -> None:
        """Let go what only this pod needed."""
        self._stacks.pop(uid, None)
        self._wishes.pop(uid, None)
        await self.tidy()

    async def keep_tidy(self) -> None:
        """Look at the disk every now and then, for ever: containers fill it too."""
        while True:
            await asyncio.sleep(min(map(period, self._wishes.values()), default=PERIOD))
            await self.tidy()

    async def tidy(self) -> None:
        """Unmount layers that no pod uses, and remove layers where they take too much room."""
        await self._lowers.keep_only(self._used())
        used = {diff_id for stack in self._used() for diff_id in stack}
        wanted = (lease.wanted for lease in self._leases)
        used = used.union(self._caches.leased(), *wanted)
        self._layers.reclaim(used, self._settings.bytes_kept)
        marks = map(WaterMarks.from_annotations, self._wishes.values())
        self._layers.relieve(used, min(marks, default=WaterMarks()))

    def _used(self) -> set[Stack]:
        return set().union(*self._stacks.values())


@dataclass(frozen=True, slots=True, eq=False)  # two pulls of the same layers are two
class _Lease:
    """A layer store that remembers what one pull asked it for: none of it may be removed meanwhile."""

    layers: LayerStore
    progress: Progress
    wanted: set[Digest] = field(default_factory=set)

    def has(self, diff_id: Digest) -> bool:
        self.wanted.add(diff_id)
        return self.layers.has(diff_id)

    async def add(self, layer: Layer, source: Source, report: Callable[[int], None]) -> Receipt:
        self.wanted.add(layer.diff_id)
        return await self.layers.add(layer, source, report)


def _annotations(pod: PodFolder) -> Mapping[str, str]:
    record = pod.record
    return record.identity.annotations if record else {}


def _stack(record: ImageRecord) -> Stack:
    return record.config.diff_ids
