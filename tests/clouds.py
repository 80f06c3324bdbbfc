"""Clouds for tests: the store is real, the clock stands still, and a fake registry and agent do
their part.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.clusters import obedient_host, obedient_installer

from towline.cloud.authenticate import Caller
from towline.cloud.context import Context, Resources
from towline.cloud.refusal import Refusal
from towline.cloud.serve import serve
from towline.cloud.settings import Settings
from towline.cloud.tcr.instance import CreateInstance, create_instance
from towline.resource.access_key import AccessKey
from towline.resource.image_cache import WANTED, CacheStatus, ImageCache
from towline.resource.instance import Instance, InstanceStatus
from towline.resource.link import Link, LinkStatus
from towline.resource.nat_gateway import NatGateway, NatState
from towline.resource.public_endpoint import EndpointStatus, PublicEndpoint
from towline.store.store import Store

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SECRET_ID, SECRET_KEY, UIN = "AKIDtest", "the-secret-key", "100036950234"
KEY = AccessKey(secret_id=SECRET_ID, secret_key=SECRET_KEY, uin=UIN, is_own=True)
ACCESS_IP = "10.0.0.5"
_ENDPOINT_DONE = {
    EndpointStatus.OPENING: EndpointStatus.OPENED,
    EndpointStatus.CLOSING: EndpointStatus.CLOSED,
}


@asynccontextmanager
async def open_context(folder: Path) -> AsyncIterator[Context]:
    """What an action is given, over a store in `folder`."""
    settings = Settings("127.0.0.1", 0, folder / "access-key.json", folder / "clusters")
    async with Store.open(folder / "records.db") as store:
        yield Context(Resources(store), settings, lambda: NOW, Caller(KEY, "tcr"))


async def running_instance(context: Context, name: str = "demo", edition: str = "basic") -> str:
    """Create an instance and do what the registry would: turn it Running."""
    asked = CreateInstance(registry_name=name, registry_type=edition)
    created = await create_instance(context, asked)
    await context.resources.instances.update("", created.registry_id, _opened)
    return created.registry_id


async def link_running(context: Context, vpc_id: str, instance_id: str) -> None:
    """Do what the agent would: give the link its address."""
    await context.resources.links.update(vpc_id, instance_id, _linked)


async def endpoint_done(resources: Resources, instance_id: str) -> None:
    """Do what the agent would: open the public endpoint, or close it."""
    await resources.public_endpoints.update("", instance_id, _endpoint_done)


@contextmanager
def refused(code: str) -> Iterator[None]:
    """Expect a refusal with exactly this code."""
    with pytest.raises(Refusal) as refusal:
        yield
    assert refusal.value.code == code


Role = Callable[[Resources], Coroutine[Any, Any, None]]
"""Another process over the same records, for as long as it is left to run."""


@dataclass(frozen=True)
class ServedCloud:
    """A cloud role that listens, with a registry and an agent that do at once what is asked."""

    endpoint: str
    resources: Resources


async def obedient_registry(resources: Resources) -> None:
    """A registry that has nothing but does at once what is asked of it."""
    async for instances in resources.instances.follow():
        for instance in instances:
            if instance.status is InstanceStatus.PENDING:
                await resources.instances.update("", instance.id, _opened)
            if instance.status is InstanceStatus.DELETING:
                await resources.instances.delete("", instance.id)


@asynccontextmanager
async def serving(folder: Path, registry: Role = obedient_registry) -> AsyncIterator[ServedCloud]:
    """Serve the API on a free port for the length of the block; writes what clients look for."""
    keys = {"SecretId": SECRET_ID, "SecretKey": SECRET_KEY, "Uin": UIN}
    (folder / "access-key.json").write_text(json.dumps(keys))
    port, ready = _free_port(), asyncio.Event()
    endpoint = f"http://127.0.0.1:{port}"
    (folder / "doors.json").write_text(json.dumps({"cloud": endpoint}))
    settings = Settings("127.0.0.1", port, folder / "access-key.json", folder / "clusters")
    async with Store.open(folder / "records.db") as store, asyncio.TaskGroup() as tasks:
        resources = Resources(store)
        running = [
            tasks.create_task(serve(store, settings, ready.set)),
            tasks.create_task(registry(resources)),
            tasks.create_task(_agent(resources)),
            tasks.create_task(_endpoints(resources)),
            tasks.create_task(_gateways(resources)),
            tasks.create_task(_image_caches(resources)),
            tasks.create_task(obedient_host(settings.clusters, resources)),
            tasks.create_task(obedient_installer(settings.clusters, resources)),
        ]
        await ready.wait()
        yield ServedCloud(endpoint, resources)
        for task in running:
            task.cancel()


async def _agent(resources: Resources) -> None:
    async for links in resources.links.follow():
        for link in links:
            if link.status is LinkStatus.CREATING:
                await resources.links.update(link.vpc_id, link.instance_id, _linked)
            if link.status is LinkStatus.DELETING:
                await resources.links.delete(link.vpc_id, link.instance_id)


async def _endpoints(resources: Resources) -> None:
    async for endpoints in resources.public_endpoints.follow():
        for endpoint in endpoints:
            if endpoint.status in _ENDPOINT_DONE:
                await endpoint_done(resources, endpoint.instance_id)


async def _gateways(resources: Resources) -> None:
    async for gateways in resources.nat_gateways.follow():
        for gateway in gateways:
            if gateway.state is NatState.DELETING:
                await resources.nat_gateways.delete(gateway.vpc_id, gateway.id)
            elif gateway.state is not NatState.AVAILABLE:
                await resources.nat_gateways.update(gateway.vpc_id, gateway.id, _built)


async def _image_caches(resources: Resources) -> None:
    async for caches in resources.image_caches.follow():
        for cache in caches:
            if cache.status in WANTED:
                await resources.image_caches.update("", cache.id, _fetched)


def _fetched(held: ImageCache) -> ImageCache:
    return msgspec.structs.replace(held, status=CacheStatus.READY)


def _built(held: NatGateway) -> NatGateway:
    return msgspec.structs.replace(held, state=NatState.AVAILABLE)


def _endpoint_done(held: PublicEndpoint) -> PublicEndpoint:
    return msgspec.structs.replace(held, status=_ENDPOINT_DONE.get(held.status, held.status))


def _opened(held: Instance) -> Instance:
    return msgspec.structs.replace(held, status=InstanceStatus.RUNNING)


def _linked(held: Link) -> Link:
    return msgspec.structs.replace(held, status=LinkStatus.RUNNING, access_ip=ACCESS_IP)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
