"""A cloud whose instances are served by the real registry, in this process, at loopback doors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from tests.clouds import Role, open_context
from tests.registry_calls import described, settings

from towline.cloud.context import Context, Resources
from towline.cloud.tcr.instance import CreateInstance, create_instance
from towline.cloud.tcr.namespace import CreateNamespace, create_namespace
from towline.cloud.tcr.token import CreateInstanceToken, create_instance_token
from towline.oci.digest import Digest
from towline.oci.media_type import OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST
from towline.registry.serve import serve
from towline.resource.instance import Instance, InstanceStatus


def real_registry(folder: Path) -> Role:
    """The registry's role, with its files in a folder."""

    async def run(resources: Resources) -> None:
        await serve(resources.store, settings(folder), lambda: None)

    return run


@asynccontextmanager
async def running(role: Role, resources: Resources) -> AsyncIterator[None]:
    """Run a role over these records for the length of the block."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(role(resources))
        yield
        task.cancel()


@dataclass(frozen=True)
class Served:
    """One instance with the namespace `apps`, whose door is open."""

    context: Context
    registry_id: str

    @property
    def instance(self) -> Instance:
        """Its record."""
        return self.context.resources.instance(self.registry_id)

    async def namespace(self, name: str, *, public: bool = False) -> None:
        """Make a namespace."""
        asked = CreateNamespace(registry_id=self.registry_id, namespace_name=name, is_public=public)
        await create_namespace(self.context, asked)

    @asynccontextmanager
    async def pushing(self, repository: str) -> AsyncIterator[Pusher]:
        """A client that may do everything in one repository."""
        asked = CreateInstanceToken(registry_id=self.registry_id)
        made = await create_instance_token(self.context, asked)
        door = f"http://127.0.0.1:{self.instance.loopback_port}"
        login = aiohttp.encode_basic_auth(made.username, made.token)
        scope = f"repository:{repository}:pull,push,delete"
        async with aiohttp.ClientSession(door, raise_for_status=True) as http:
            wanted, headers = {"scope": scope}, {"Authorization": login}
            async with http.get("/service/token", params=wanted, headers=headers) as answer:
                token = (await answer.json())["token"]
            yield Pusher(http, repository, {"Authorization": f"Bearer {token}"})

    async def push(self, repository: str, tag: str, layer: bytes = b"layer", **more: Any) -> str:
        """Push an image of one layer; its digest."""
        async with self.pushing(repository) as client:
            return await client.image(tag, layer, **more)


@dataclass(frozen=True)
class Pusher:
    """Pushes to one repository, as any client does."""

    http: aiohttp.ClientSession
    repository: str
    headers: Mapping[str, str]

    async def blob(self, content: bytes) -> None:
        """Push a blob in one request."""
        path, asked = f"/v2/{self.repository}/blobs/uploads/", {"digest": str(Digest.of(content))}
        async with self.http.post(path, params=asked, data=content, headers=self.headers):
            return

    async def manifest(self, reference: str, document: Mapping[str, Any]) -> str:
        """Push a manifest or an index; its digest."""
        body = json.dumps(document).encode()
        headers = {**self.headers, "Content-Type": str(document["mediaType"])}
        path = f"/v2/{self.repository}/manifests/{reference or Digest.of(body)}"
        async with self.http.put(path, data=body, headers=headers):
            return str(Digest.of(body))

    async def image(
        self, tag: str, layer: bytes = b"layer", labels: Mapping[str, str] | None = None
    ) -> str:
        """Push an image of one layer; its digest."""
        config = json.dumps({"config": {"Labels": labels}}).encode()
        await self.blob(config)
        await self.blob(layer)
        return await self.manifest(tag, image_document(config, layer))

    async def index(self, tag: str, *layers: bytes) -> str:
        """Push an index of images that have no tags themselves; its digest."""
        children = []
        for layer in layers:
            await self.image("", layer)
            config = json.dumps({"config": {"Labels": None}}).encode()
            body = json.dumps(image_document(config, layer)).encode()
            children.append(described(body, OCI_MANIFEST))
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children}
        return await self.manifest(tag, document)


def image_document(config: bytes, layer: bytes) -> dict[str, Any]:
    """The manifest of an image of one layer."""
    return {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": described(config, OCI_CONFIG),
        "layers": [described(layer, OCI_LAYER)],
    }


@asynccontextmanager
async def served_instance(folder: Path, edition: str = "basic") -> AsyncIterator[Served]:
    """A new instance, once the real registry has opened its door; the clock is the real one."""
    async with open_context(folder) as fixed, running(real_registry(folder), fixed.resources):
        context = replace(fixed, clock=lambda: datetime.now(UTC))
        asked = CreateInstance(registry_name="demo", registry_type=edition)
        made = await create_instance(context, asked)
        async with asyncio.timeout(20):
            async for instances in context.resources.instances.follow():
                if all(one.status is InstanceStatus.RUNNING for one in instances):
                    break
        served = Served(context, made.registry_id)
        await served.namespace("apps")
        yield served
