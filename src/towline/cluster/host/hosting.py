"""One cluster on this machine, from the moment its record asks for it until nothing is left of it.

A cluster is its API, its controllers, and those who keep its record true. Told to end, it lets its
pods end first: the agent's nodes go when they have no pods any more, and then the API closes, the
store is deleted and, last, the record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from towline.cluster.api.foresight import Preflight
from towline.cluster.api.local import LocalKubernetes
from towline.cluster.api.serve import serve
from towline.cluster.api.settings import Settings
from towline.cluster.controllers.credential_release import CredentialRelease
from towline.cluster.controllers.run import run_controllers
from towline.cluster.credential import CredentialIssuer
from towline.cluster.host.addons import keep_addons
from towline.cluster.host.ending import end_pods
from towline.cluster.host.nodes import drain_nodes, tell_ready_nodes
from towline.cluster.kubernetes import Kubernetes
from towline.resource import kind
from towline.resource.addon import Addon
from towline.resource.cluster import Cluster, ClusterStatus
from towline.store.collection import Collection
from towline.store.error import NotFound
from towline.store.store import Store


@dataclass(frozen=True, slots=True)
class Ground:
    """What one cluster stands on."""

    objects: Path
    """Its store."""
    settings: Settings


@dataclass(frozen=True, slots=True)
class Registers:
    """What the clusters and the cloud tell each other."""

    clusters: Collection[Cluster]
    addons: Collection[Addon]

    @classmethod
    def of(cls, store: Store) -> Registers:
        """Those in a store."""
        return cls(Collection(store, kind.CLUSTER, Cluster), Collection(store, kind.ADDON, Addon))


class Hosting:
    """Hosts clusters, each on ground of its own."""

    def __init__(
        self,
        registers: Registers,
        issuer: CredentialIssuer,
        clock: Callable[[], float],
        foresee: Callable[[Kubernetes], Preflight],
    ) -> None:
        """`foresee` makes what looks at the images of one cluster's pods before they run."""
        self._registers = registers
        self._issuer = issuer
        self._clock = clock
        self._foresee = foresee

    async def keep(
        self, ground: Ground, ready: Callable[[], None], settled: Callable[[str], None]
    ) -> None:
        """Host the installation's own cluster until cancelled. It is there before its record is:
        `settled` is called with its id when that is known.
        """
        async with Store.open(ground.objects) as store, asyncio.TaskGroup() as tasks:
            kubernetes, release = self._parts(store)
            tasks.create_task(
                serve(store, ground.settings, release, ready, self._foresee(kubernetes))
            )
            tasks.create_task(run_controllers(kubernetes, release, _authority(ground)))
            cluster_id = await self._own_id()
            settled(cluster_id)
            await self._attend(cluster_id, kubernetes, release, ground.settings.port)

    async def live(self, cluster: Cluster, ground: Ground, discard: Callable[[], None]) -> None:
        """Host one of the others until it has ended; `discard` is called when nobody needs its
        ground any more.
        """
        async with Store.open(ground.objects) as store, asyncio.TaskGroup() as tasks:
            kubernetes, release = self._parts(store)
            served = asyncio.Event()
            api = tasks.create_task(
                serve(store, ground.settings, release, served.set, self._foresee(kubernetes))
            )
            await served.wait()
            work = [
                tasks.create_task(run_controllers(kubernetes, release, _authority(ground))),
                tasks.create_task(
                    self._attend(cluster.id, kubernetes, release, ground.settings.port)
                ),
            ]
            await self._until_told_to_end(cluster.id)
            for task in work:
                task.cancel()
            await asyncio.wait(work)
            await end_pods(kubernetes)
            await release.withdraw_all()
            api.cancel()
        discard()
        with suppress(NotFound):
            await self._registers.clusters.delete("", cluster.id)

    def _parts(self, store: Store) -> tuple[LocalKubernetes, CredentialRelease]:
        kubernetes = LocalKubernetes(store)
        return kubernetes, CredentialRelease(kubernetes, self._issuer, self._clock)

    async def _attend(
        self, cluster_id: str, kubernetes: LocalKubernetes, release: CredentialRelease, port: int
    ) -> None:
        """Keep the record and the cluster in agreement until cancelled."""
        registers = self._registers
        await registers.clusters.update("", cluster_id, lambda held: _running(held, port))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(tell_ready_nodes(kubernetes, registers.clusters, cluster_id))
            tasks.create_task(drain_nodes(kubernetes, registers.clusters, cluster_id))
            settle = release.settle_all
            tasks.create_task(keep_addons(kubernetes, registers.addons, cluster_id, settle))

    async def _own_id(self) -> str:
        async for clusters in self._registers.clusters.follow():
            if own := [one.id for one in clusters if one.own]:
                return own[0]
        raise AssertionError("following never ends")

    async def _until_told_to_end(self, cluster_id: str) -> None:
        async for clusters in self._registers.clusters.follow():
            if any(
                one.id == cluster_id and one.status is ClusterStatus.TERMINATING for one in clusters
            ):
                return


def _authority(ground: Ground) -> str:
    return ground.settings.ca_certificate.read_text()


def _running(held: Cluster, port: int) -> Cluster:
    """The record of a cluster whose API listens; one that is to end stays one that is to end."""
    is_new = held.status is ClusterStatus.INITIALIZING
    status = ClusterStatus.RUNNING if is_new else held.status
    return msgspec.structs.replace(held, status=status, port=port)
