"""Images, each pulled by a pod for itself.

Nothing is shared between pods but verified bytes: a pod that asks for an image shows its own
credentials in its own network, whoever has fetched the same layers before. What a pod has pulled is
its own until it is closed, and its layers stay as long. Some of them may still be coming when the
pod starts (`lazy/start`).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from towline.cluster.node.provider import Completion, Image, Missing, PodIdentity
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
from towline.pull.shortcut import IndexReader, NoShortcut, Offer, Shortcut
from towline.sandbox.image_cache import Caches
from towline.sandbox.lazy.hanging import Hanging, end_of
from towline.sandbox.lazy.order import Way
from towline.sandbox.lazy.start import LazyStarts
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
    starts: LazyStarts


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
        self._starts = stock.starts
        self._network = network
        self._caches = caches
        self._settings = settings
        self._leases = set[_Lease]()
        """Pulls that are under way."""
        self._coming = dict[tuple[str, Image], tuple[Hanging, ...]]()
        """What pods' images were waiting for when they were pulled."""
        self._stacks = {pod.uid: {_stack(record) for record in pod.images()} for pod in pods}
        self._wishes = {pod.uid: _annotations(pod) for pod in pods}
        """What each pod says of the disk, among other things."""

    def find(self, uid: str, image: str) -> ImageRecord | None:
        """What this pod pulled last under a reference, as long as all of it may be used."""
        reference = str(Reference.parse(image))
        for record in self._pods.of(uid).images():
            if record.image.reference == reference:
                return record if all(map(self._is_usable, record.config.diff_ids)) else None
        return None

    def _is_usable(self, diff_id: Digest) -> bool:
        return self._layers.has(diff_id) or self._starts.hangs(diff_id)

    def hangings(self, record: ImageRecord) -> tuple[Hanging, ...]:
        """What of an image is still coming."""
        return self._starts.below(record.config.diff_ids)

    def missing(self, uid: str, image: Image) -> Missing | None:
        """How much of an image is still coming; None when it is whole."""
        hangings = self._hangings(uid, image)
        if not hangings:
            return None
        filled = [hanging.filled for hanging in hangings]
        return Missing(sum(have for have, _ in filled), sum(want for _, want in filled))

    async def completion(self, uid: str, image: Image) -> Completion | None:
        """How the rest of an image came, when it has come; None when it came to no end."""
        hangings = self._hangings(uid, image)
        end = await end_of(hangings) if hangings else None
        return Completion(end.size, end.seconds, end.trouble) if end else None

    def _hangings(self, uid: str, image: Image) -> tuple[Hanging, ...]:
        """As they were when it was pulled, or when this process began."""
        if (uid, image) not in self._coming:
            record = self._pods.of(uid).image(image)
            self._coming[uid, image] = self.hangings(record) if record else ()
        return self._coming[uid, image]

    async def pull(self, uid: str, image: str, keyring: Keyring, progress: Progress) -> Image:
        """Fetch an image from a pod's network, with the policy of the pod's annotations.

        Raises `PullFailed`; then, and when it is cancelled, the pod is as it was.
        """
        pod = self._pods.of(uid)
        known = pod.record
        if known is None:
            raise LookupError(f"pod {pod.uid} is not open")
        self._wishes[uid] = known.identity.annotations
        lease = _Lease(self._layers, self._starts, self._way(known.identity, image), progress)
        self._leases.add(lease)
        try:
            pulled = await self._fetch(Reference.parse(image), keyring, lease, lease)
            kept = self._keep(pod, pulled)
        finally:
            self._leases.remove(lease)
            await self.tidy()
        return kept

    async def fetch(self, identity: PodIdentity, image: str, keyring: Keyring) -> PulledImage:
        """Fetch a whole image from a namespace that need not be a pod's; whoever wants its layers to
        stay sees to that at once. Raises `PullFailed`.
        """
        way = self._way(identity, image)
        lease = _Lease(self._layers, self._starts, way, NoProgress())
        self._leases.add(lease)
        try:
            reference = Reference.parse(image)
            return await self._fetch(reference, keyring, lease, NoShortcut())
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

    def _way(self, identity: PodIdentity, image: str) -> Way:
        """How a pod fetches, whoever it says it is."""
        settings = self._settings
        own = own_nameservers(identity.annotations) or self._network.nameservers(identity.uid)
        return Way(
            str(Reference.parse(image)),
            annotations=dict(identity.annotations),
            namespace=str(self._network.namespace_path(identity.uid)),
            nameservers=list(own),
            ca_file=str(settings.ca_file) if settings.ca_file else None,
            dial_timeout=settings.dial_timeout,
        )

    async def _fetch(
        self, reference: Reference, keyring: Keyring, lease: _Lease, shortcut: Shortcut
    ) -> PulledImage:
        way = lease.way
        wire = SocketWire(
            Path(way.namespace) if way.namespace else None,
            tuple(way.nameservers) if way.nameservers is not None else None,
            self._settings.ca_file,
            way.dial_timeout,
        )
        try:
            return await pull(
                reference,
                RegistryPolicy.from_annotations(way.annotations),
                keyring,
                wire=wire,
                layers=lease,
                platform=Platform.of_machine(os.uname().machine),
                progress=lease.progress,
                shortcut=shortcut,
            )
        finally:
            wire.close()

    def _keep(self, pod: PodFolder, pulled: PulledImage) -> Image:
        image = Image(str(pulled.reference), str(pulled.digest), pulled.size, pulled.config.user)
        record = ImageRecord(image, pulled.config, time.time())
        pod.keep_image(record)
        self._stacks.setdefault(pod.uid, set()).add(_stack(record))
        self._coming[pod.uid, image] = self.hangings(record)
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
        for key in [key for key in self._coming if key[0] == uid]:
            del self._coming[key]
        await self.tidy()

    async def unmount(self, layers: frozenset[Digest]) -> None:
        """Unmount layers that nobody may read any more."""
        await self._lowers.keep_only(
            lambda: {stack for stack in self._used() if layers.isdisjoint(stack)}
        )

    async def keep_tidy(self) -> None:
        """Look at the disk every now and then, for ever: containers fill it too."""
        while True:
            await asyncio.sleep(min(map(period, self._wishes.values()), default=PERIOD))
            await self.tidy()

    async def tidy(self) -> None:
        """Unmount layers that no pod uses, and remove layers where they take too much room."""
        await self._lowers.keep_only(self._used)
        await self._starts.let_go(self._wanted)
        used = self._wanted()
        self._layers.reclaim(used, self._settings.bytes_kept)
        marks = map(WaterMarks.from_annotations, self._wishes.values())
        self._layers.relieve(used, min(marks, default=WaterMarks()))

    def _wanted(self) -> set[Digest]:
        """All layers that pods, caches and pulls under way need."""
        used = {diff_id for stack in self._used() for diff_id in stack}
        return used.union(self._caches.leased(), *(lease.wanted for lease in self._leases))

    def _used(self) -> set[Stack]:
        return set().union(*self._stacks.values())


@dataclass(frozen=True, slots=True, eq=False)  # two pulls of the same layers are two
class _Lease:
    """A layer store that remembers what one pull asked it for: none of it may be removed meanwhile."""

    layers: LayerStore
    starts: LazyStarts
    way: Way
    progress: Progress
    wanted: set[Digest] = field(default_factory=set)

    def has(self, diff_id: Digest) -> bool:
        self.wanted.add(diff_id)
        return self.layers.has(diff_id)

    async def add(self, layer: Layer, source: Source, report: Callable[[int], None]) -> Receipt:
        self.wanted.add(layer.diff_id)
        if await self.starts.become_whole(layer, report):
            return Receipt(reused=layer.descriptor.size)
        return await self.layers.add(layer, source, report)

    async def take(self, offer: Offer, reader: IndexReader) -> frozenset[Digest]:
        self.wanted.update(layer.diff_id for layer in offer.layers)
        return await self.starts.take(self.way, offer, reader)


def _annotations(pod: PodFolder) -> Mapping[str, str]:
    record = pod.record
    return record.identity.annotations if record else {}


def _stack(record: ImageRecord) -> Stack:
    return record.config.diff_ids
