"""A cluster as it is hosted: its real API over TLS, its controllers, and a node that the test plays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from tests.apis import ADMIN, kubeconfig, settings_in
from tests.certificates import Wish, issue

from towline.cluster.api.foresight import Blind
from towline.cluster.credential import RegistryLogin
from towline.cluster.host.hosting import Ground, Hosting, Registers
from towline.cluster.kubernetes import ApiError, Object
from towline.cluster.kubernetes_http import HttpKubernetes
from towline.cluster.node.node_object import OWNED_LABEL, SUBNET_ANNOTATION
from towline.cluster.resources import NAMESPACES, NODES, PODS, SECRETS, SERVICE_ACCOUNTS
from towline.resource.addon import Addon, AddonPhase, RegistryRelease
from towline.resource.cluster import Cluster, ClusterStatus
from towline.store.store import Store

SHOP = Cluster(
    id="cls-1",
    name="shop",
    vpc_id="vpc-1",
    subnet_ids=("subnet-1",),
    created_at="",
    own=False,
)
NODE: Object = {
    "metadata": {
        "name": "eklet-subnet-1",
        "labels": {OWNED_LABEL: "true"},
        "annotations": {SUBNET_ANNOTATION: "subnet-1"},
    },
    "spec": {},
}
READY = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}


@dataclass
class Issuer:
    """Issues logins that are good for an hour, and knows which are valid."""

    valid: set[str] = field(default_factory=set)

    async def issue(self, instance: str, namespace: str) -> RegistryLogin:
        """A login."""
        id_ = f"{instance} for {namespace}"
        self.valid.add(id_)
        servers = (f"{instance}.example",)
        return RegistryLogin(instance, id_, "100", servers, "100", "secret", 1e9, 1e10)

    async def revoke(self, instance_id: str, credential_id: str) -> None:
        """It is valid no more."""
        del instance_id
        self.valid.discard(credential_id)


@dataclass
class Hosted:
    """A cluster's records, its API, and the credentials that were issued for it."""

    registers: Registers
    kubernetes: HttpKubernetes
    issuer: Issuer
    work: asyncio.Task[None]
    discarded: asyncio.Event

    async def change(self, **fields: Any) -> None:
        """Do what the cloud would."""
        await self.registers.clusters.update(
            "", SHOP.id, lambda held: msgspec.structs.replace(held, **fields)
        )

    async def record(self, is_so: Callable[[Cluster], bool]) -> Cluster:
        """The cluster's record, once it is so."""
        async with asyncio.timeout(20):
            async for clusters in self.registers.clusters.follow():
                if found := [one for one in clusters if is_so(one)]:
                    return found[0]
        raise AssertionError("following never ends")


@asynccontextmanager
async def hosted(folder: Path) -> AsyncIterator[Hosted]:
    """A new cluster at work."""
    authority = issue(folder, Wish(authority=True, common_name="authority"))
    settings, issuer, discarded = settings_in(folder, authority), Issuer(), asyncio.Event()
    access, server = folder / "kubeconfig", f"https://127.0.0.1:{settings.port}"
    access.write_text(str(kubeconfig(server, authority.certificate, ADMIN)))
    ground = Ground(folder / "cluster.db", settings)
    async with (
        Store.open(folder / "records.db") as store,
        HttpKubernetes.from_kubeconfig(access) as kubernetes,
        asyncio.TaskGroup() as tasks,
    ):
        registers = Registers.of(store)
        await registers.clusters.create("", SHOP.id, SHOP)
        hosting = Hosting(registers, issuer, lambda: 1e9, lambda _: Blind())
        work = tasks.create_task(hosting.live(SHOP, ground, discarded.set))
        this = Hosted(registers, kubernetes, issuer, work, discarded)
        await this.record(lambda held: held.port == settings.port)
        yield this
        work.cancel()


async def until(ask: Callable[[], Awaitable[bool]]) -> None:
    """Return when it is so."""
    async with asyncio.timeout(20):
        while not await ask():  # noqa: ASYNC110  # what it waits for is in another process's place
            await asyncio.sleep(0.02)


async def be_node(kubernetes: HttpKubernetes) -> None:
    """Have a node with a pod that runs on it."""
    await kubernetes.create(NODES, "", NODE)
    await kubernetes.patch(NODES, "", "eklet-subnet-1", READY, subresource="status")
    spec = {"nodeName": "eklet-subnet-1", "containers": [{"name": "c", "image": "i"}]}
    await until(lambda: has_account(kubernetes))
    await kubernetes.create(PODS, "default", {"metadata": {"name": "web"}, "spec": spec})


async def has_account(kubernetes: HttpKubernetes) -> bool:
    """Whether the namespace that pods are made in is complete."""
    return any(
        one["metadata"]["name"] == "default" for one in (await kubernetes.list(NAMESPACES)).items
    )


async def is_leaving(kubernetes: HttpKubernetes) -> bool:
    """Whether the pod has been told to end."""
    try:
        pod = await kubernetes.get(PODS, "default", "web")
    except ApiError as error:
        assert error.code == 404
        return True
    return "deletionTimestamp" in pod["metadata"]


async def leave(kubernetes: HttpKubernetes) -> None:
    """End the pod and the node, as the agent does."""
    await kubernetes.delete(PODS, "default", "web", options={"gracePeriodSeconds": 0})
    await kubernetes.delete(NODES, "", "eklet-subnet-1")


async def test_a_cluster_ends_when_its_nodes_have_gone(tmp_path: Path) -> None:
    """Its pods are told to; its ground is given back before its record goes."""
    async with hosted(tmp_path) as cluster:
        await be_node(cluster.kubernetes)
        running = await cluster.record(lambda held: held.ready == ("subnet-1",))
        await cluster.change(status=ClusterStatus.TERMINATING)
        await until(lambda: is_leaving(cluster.kubernetes))
        is_there = not cluster.discarded.is_set()
        await leave(cluster.kubernetes)
        async with asyncio.timeout(20):
            await cluster.work

        assert (running.status, is_there) == (ClusterStatus.RUNNING, True)
        assert cluster.discarded.is_set()
        assert cluster.registers.clusters.list() == ()


async def test_a_node_is_drained_once_when_the_record_asks_for_it(tmp_path: Path) -> None:
    """It is cordoned, its pods are evicted, and the record says that it is done."""
    async with hosted(tmp_path) as cluster:
        await be_node(cluster.kubernetes)
        await cluster.change(draining=("subnet-1", "subnet-without-node"))
        await cluster.record(lambda held: held.draining == ())
        node = await cluster.kubernetes.get(NODES, "", "eklet-subnet-1")

        assert node["spec"]["unschedulable"] is True
        assert await is_leaving(cluster.kubernetes)


async def test_the_registry_addon_reaches_every_namespace_it_names(tmp_path: Path) -> None:
    """Those there are and those to come; all of it is revoked when the cluster ends."""
    async with hosted(tmp_path) as cluster:
        wish = RegistryRelease(
            instance_id="tcr-1", instance_name="demo", namespaces=("a", "b"), every_account=True
        )
        wishes = wish, RegistryRelease(instance_id="tcr-2", instance_name="other")
        addon = Addon(name="tcr", version="1", values="{}", releases=wishes, created_at="")
        await cluster.kubernetes.create(NAMESPACES, "", {"metadata": {"name": "a"}})
        await cluster.registers.addons.create(SHOP.id, addon.name, addon)
        await until(lambda: _is_installed(cluster))
        is_there = await _secrets(cluster, "a", 2)
        await cluster.kubernetes.create(NAMESPACES, "", {"metadata": {"name": "b"}})
        at_once = await _secrets(cluster, "b", 2)
        await until(lambda: _secrets(cluster, "default", 1))
        await cluster.kubernetes.create(SERVICE_ACCOUNTS, "a", {"metadata": {"name": "builder"}})
        await until(lambda: _named(cluster, "builder", "100-tcr-1-dockercfg"))
        both = await _named(cluster, "default", "100-tcr-1-dockercfg", "100-tcr-2-dockercfg")
        (held,) = cluster.registers.addons.list(SHOP.id)
        fewer = msgspec.structs.replace(held, releases=wishes[:1], phase=AddonPhase.UPGRADING)
        await cluster.registers.addons.update(SHOP.id, addon.name, lambda _: fewer)
        await until(lambda: _secrets(cluster, "default", 0))
        await until(lambda: _secrets(cluster, "a", 1))
        await cluster.change(status=ClusterStatus.TERMINATING)
        async with asyncio.timeout(20):
            await cluster.work

        assert (is_there, at_once, both) == (True, True, True)
        assert held.phase is AddonPhase.SUCCEEDED
        assert cluster.issuer.valid == set()


async def _is_installed(cluster: Hosted) -> bool:
    """Whether the add-on's record says so."""
    (addon,) = cluster.registers.addons.list(SHOP.id)
    return addon.phase is AddonPhase.SUCCEEDED


async def _secrets(cluster: Hosted, namespace: str, count: int) -> bool:
    """Whether so many credentials are in a namespace."""
    return len((await cluster.kubernetes.list(SECRETS, namespace)).items) == count


async def _named(cluster: Hosted, account: str, *secrets: str) -> bool:
    """Whether an account of the namespace `a` names these Secrets and no others."""
    held = await cluster.kubernetes.get(SERVICE_ACCOUNTS, "a", account)
    return {one["name"] for one in held.get("imagePullSecrets") or ()} == {*secrets}
