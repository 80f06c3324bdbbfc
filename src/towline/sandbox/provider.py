"""The sandbox: pods made real, as the virtual node's `Provider`.

Everything that it knows is in its folder and in the kernel; in memory it has nothing that it could
not find again. Containers run on when it ends, watched by their monitors, and the next sandbox of
the same folder goes on with them. After a restart of the machine there is nothing to go on with,
and it begins with an empty folder.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

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
    StandingPod,
)
from towline.content.extract import remove_tree
from towline.content.layers import LayerStore
from towline.diagnosis.survey import Records
from towline.linux.cgroups import Cgroups
from towline.linux.mounts import keep_private, unmount_below
from towline.linux.namespace_socket import SocketMaker
from towline.linux.oci_runtime import OciRuntime
from towline.linux.process import boot_id
from towline.oci.digest import Digest
from towline.pull.flow import PulledImage
from towline.pull.image_cache import CacheMatch
from towline.pull.keyring import Keyring
from towline.pull.progress import Progress
from towline.sandbox import record_file
from towline.sandbox.bundle import Bundles
from towline.sandbox.containers import Containers
from towline.sandbox.image_cache import Caches, NoCaches
from towline.sandbox.lazy.kernel_ropes import KernelRopes
from towline.sandbox.lazy.nursery import Nursery
from towline.sandbox.lazy.start import LazyStarts
from towline.sandbox.lower_layers import MountedLayers, lower_layers
from towline.sandbox.pod_doctor import PodDoctor
from towline.sandbox.pod_folder import PodFolders
from towline.sandbox.pod_images import PodImages, Stock
from towline.sandbox.pod_locks import PodLocks
from towline.sandbox.pod_namespaces import PodNamespaces
from towline.sandbox.pods import Pods
from towline.sandbox.remains import Remains
from towline.sandbox.settings import SandboxSettings
from towline.sandbox.tenants import ContainerTenants
from towline.sandbox.thread_work import in_thread

_NO_CACHES = NoCaches()


@dataclass(frozen=True, slots=True)
class _Parts:
    layers: LayerStore
    ropes: KernelRopes
    starts: LazyStarts
    pods: Pods
    tenants: ContainerTenants

    @property
    def images(self) -> PodImages:
        return self.pods.images

    @property
    def containers(self) -> Containers:
        return self.pods.containers


class Sandbox:
    """Implements `towline.cluster.node.provider.Provider`, between `async with` and its end.

    The network must be up before. Entering raises `Problem` when there is no OCI runtime, or when
    another process has the same layers open.
    """

    def __init__(
        self,
        network: PodNamespaces,
        settings: SandboxSettings,
        records: Callable[[], Records] = Records,
        caches: Caches = _NO_CACHES,
    ) -> None:
        """`records` reads what the installation has written down, for diagnoses to look at, and to
        know its own registries; the layers of `caches` stay.
        """
        self._caches = caches
        self._doctor = PodDoctor(network, settings, records)
        self._network = network
        self._settings = settings
        self._records = records
        self._running = AsyncExitStack()
        self._entered: _Parts | None = None

    async def __aenter__(self) -> Self:
        folder = PodFolders(self._settings.folder / "pods")
        await self._begin(folder)
        layers = await in_thread(lambda: LayerStore(self._settings.layers))
        try:
            parts = self._assemble(folder, layers)
            await self._running.enter_async_context(parts.starts.running(parts.tenants))
            await parts.pods.recover()
        except BaseException:
            await self._running.aclose()
            layers.close()
            raise
        self._entered = parts
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        layers, self._entered = self._parts.layers, None
        await self._running.aclose()
        await in_thread(layers.close)

    async def _begin(self, pods: PodFolders) -> None:
        """Open the folder, emptied if it is from before the machine's last start."""
        folder = self._settings.folder
        keep_private(folder)
        boot, noted = boot_id(), record_file.read(folder / "boot.json", str)
        if noted is not None and noted != boot:
            for pod in pods:
                await self._network.detach(pod.uid)
            await in_thread(lambda: _empty(folder))
            keep_private(folder)
        pods.path.mkdir(exist_ok=True)
        record_file.write(folder / "boot.json", boot)

    def _assemble(self, folders: PodFolders, layers: LayerStore) -> _Parts:
        settings, cgroups = self._settings, Cgroups.of_machine()
        runtime = OciRuntime.find(settings.folder, cgroups, settings.runtimes)
        ropes = KernelRopes(settings.ropes_cgroup, Nursery(settings.ca_file))
        starts = LazyStarts(layers, ropes, settings.folder / "ropes", self._own_registries)
        lowers, locks = lower_layers(settings.folder, starts), PodLocks()
        if not isinstance(lowers, MountedLayers):
            starts.give_up("layers are not mounted as they are")
        stock = Stock(layers, lowers, starts)
        images = PodImages(folders, stock, self._network, settings, self._caches)
        bundles = Bundles(lowers, images, self._network, settings)
        remains = Remains(runtime, cgroups, settings.cgroup)
        containers = Containers(folders, locks, bundles, remains)
        pods = Pods(folders, locks, self._network, images, containers)
        return _Parts(layers, ropes, starts, pods, ContainerTenants(pods, remains))

    def _own_registries(self) -> frozenset[str]:
        """The names of the installation's registries."""
        known = self._records().network
        names = {name for one in known.instances for name in (one.domain, one.vpc_domain)}
        return frozenset(names | {one.name for one in known.custom_domains})

    @property
    def _parts(self) -> _Parts:
        assert self._entered is not None, "a sandbox works between `async with` and its end"
        return self._entered

    async def open(self, pod: PodIdentity) -> str:
        """See `Sandboxes`."""
        return await self._parts.pods.open(pod)

    async def close(self, pod_uid: str) -> None:
        """See `Sandboxes`."""
        await self._parts.pods.close(pod_uid)

    async def inventory(self) -> tuple[StandingPod, ...]:
        """See `Sandboxes`."""
        return await self._parts.pods.inventory()

    async def find(self, pod_uid: str, image: str) -> Image | None:
        """See `Images`."""
        record = self._parts.images.find(pod_uid, image)
        return record.image if record else None

    async def pull(self, pod_uid: str, image: str, keyring: Keyring, progress: Progress) -> Image:
        """See `Images`."""
        return await self._parts.images.pull(pod_uid, image, keyring, progress)

    async def keep_tidy(self) -> None:
        """See to it, for ever, that layers which no pod uses do not fill the disk, and that pods which
        start before their image is here do not wait for a worker.
        """
        with self._parts.ropes.ready():
            await self._parts.images.keep_tidy()

    async def missing(self, pod_uid: str, image: Image) -> Missing | None:
        """See `Images`."""
        return self._parts.images.missing(pod_uid, image)

    async def completion(self, pod_uid: str, image: Image) -> Completion | None:
        """See `Images`."""
        return await self._parts.images.completion(pod_uid, image)

    async def cache_for(self, pod_uid: str, images: tuple[str, ...]) -> CacheMatch | None:
        """See `Images`."""
        return await self._parts.images.cache_for(pod_uid, images)

    async def fetch(self, identity: PodIdentity, image: str, keyring: Keyring) -> PulledImage:
        """See `CacheImages`."""
        return await self._parts.images.fetch(identity, image, keyring)

    def room(self, layers: Collection[Digest]) -> int | None:
        """See `CacheImages`."""
        return self._parts.images.room(layers)

    async def start(self, spec: ContainerSpec) -> float:
        """See `Containers`."""
        return await self._parts.containers.start(spec)

    async def wait(self, container: ContainerId) -> Exit:
        """See `Containers`."""
        return await self._parts.containers.wait(container)

    async def stop(self, container: ContainerId, *, grace: float) -> None:
        """See `Containers`."""
        await self._parts.containers.stop(container, grace=grace)

    async def examine(self, case: Case) -> Finding:
        """See `Doctor`."""
        return await self._doctor.examine(case)

    async def socket(self, pod_uid: str) -> socket.socket:
        """See `Reach`."""
        return SocketMaker(self._network.namespace_path(pod_uid)).stream("0.0.0.0")  # noqa: S104  # only its family counts

    async def execute(self, container: ContainerId, command: tuple[str, ...]) -> Executed:
        """See `Reach`."""
        return await self._parts.containers.execute(container, command)

    def log(self, container: ContainerId) -> Path:
        """See `Containers`."""
        pods = self._parts.pods.folders
        return pods.of(container.pod_uid).container(container).runtime_files().log


def _empty(folder: Path) -> None:
    unmount_below(folder)
    for path in folder.iterdir():
        if path.is_dir():
            remove_tree(path)
        else:
            path.unlink()
