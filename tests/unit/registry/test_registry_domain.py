"""Customized domains: served at the doors that are there, by a certificate that names them."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import msgspec
from tests.registry_calls import settings, write_certificates
from tests.registry_role import WHEN, instance, write_down

from towline.registry.certificates import Certificates
from towline.registry.custom_domains import CustomDomains
from towline.registry.door import Door, Scheme
from towline.registry.doors import Doors
from towline.registry.serve import opened
from towline.resource import kind
from towline.resource.custom_domain import CustomDomain, DomainStatus
from towline.resource.instance import Instance
from towline.store.collection import Collection
from towline.store.store import Store

DEMO = instance()
NAME = "images.example.com"


@dataclass(frozen=True)
class Scene:
    """A registry with one HTTPS door of the instance `demo`."""

    domains: Collection[CustomDomain]
    port: int
    trust: ssl.SSLContext

    async def create(self, name: str) -> None:
        """Ask for a domain."""
        domain = CustomDomain(
            instance_id=DEMO.id, name=name, certificate_id="towline", created_at=WHEN
        )
        await self.domains.create(DEMO.id, name, domain)

    async def delete(self, name: str) -> None:
        """Ask for a domain to go."""
        await self.domains.update(DEMO.id, name, _going)

    async def statuses(self, *wanted: DomainStatus) -> None:
        """Wait until the domains have these states."""
        async with asyncio.timeout(60):
            async for seen in self.domains.follow():
                if tuple(one.status for one in seen) == wanted:
                    return

    async def greeting(self, name: str) -> str:
        """How the door greets somebody who dials this name and trusts the installation."""
        url = f"https://127.0.0.1:{self.port}/v2/"
        connector = aiohttp.TCPConnector(force_close=True)
        async with aiohttp.ClientSession(connector=connector) as http:
            headers = {"Host": name}
            async with http.get(
                url, ssl=self.trust, server_hostname=name, headers=headers
            ) as answer:
                return answer.headers["www-authenticate"]

    async def is_trusted(self, name: str) -> bool:
        """Whether the door's certificate names a domain."""
        try:
            return bool(await self.greeting(name))
        except aiohttp.ClientConnectorCertificateError:
            return False
        except aiohttp.ClientConnectorError:
            return False  # it was being greeted by a server that ended in this moment


def _going(held: CustomDomain) -> CustomDomain:
    return msgspec.structs.replace(held, status=DomainStatus.DELETING)


@asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[Scene]:
    """A registry over the records in a folder, new or not."""
    if not (folder / "registry.crt").exists():
        await asyncio.to_thread(write_certificates, folder)
    async with (
        Store.open(folder / "records.db") as store,
        opened(store, settings(folder), time.time) as registry,
        asyncio.TaskGroup() as tasks,
    ):
        instances = Collection(store, kind.INSTANCE, Instance)
        if instances.get("", DEMO.id) is None:
            await write_down(store, [DEMO])
        kept = Collection(store, kind.CUSTOM_DOMAIN, CustomDomain)
        domains = CustomDomains(kept, instances, Certificates(settings(folder), time.time))
        doors = Doors(registry.endpoints, domains.tls_of, tasks)
        listening = socket.create_server(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        doors.open(Door("public", DEMO.id, Scheme.HTTPS), listening)
        following = tasks.create_task(domains.run(doors))
        yield Scene(kept, port, ssl.create_default_context(cafile=str(folder / "ca.crt")))
        following.cancel()
        await doors.close_all()


async def test_a_domain_is_served_beside_the_default_one(tmp_path: Path) -> None:
    """Whoever trusts the installation trusts it, and is sent to it for a token."""
    async with scene(tmp_path) as registry:
        before = await registry.is_trusted(NAME)
        await registry.create(NAME)
        await registry.statuses(DomainStatus.SUCCESS)
        greeting = await registry.greeting(NAME)

        assert not before
        assert f'realm="https://{NAME}/service/token"' in greeting
        for name in (DEMO.domain, DEMO.vpc_domain):
            assert await registry.is_trusted(name)


async def test_a_domain_that_goes_is_named_no_more(tmp_path: Path) -> None:
    """The others stay; its record goes last."""
    async with scene(tmp_path) as registry:
        for name in (NAME, "other.example.com"):
            await registry.create(name)
        await registry.statuses(DomainStatus.SUCCESS, DomainStatus.SUCCESS)
        await registry.delete(NAME)
        await registry.statuses(DomainStatus.SUCCESS)

        assert not await registry.is_trusted(NAME)
        assert await registry.is_trusted("other.example.com")


async def test_a_request_is_answered_though_the_certificate_changes(tmp_path: Path) -> None:
    """By the server that it began with, while another has taken over at the same socket."""
    async with scene(tmp_path) as registry:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", registry.port, ssl=registry.trust, server_hostname=DEMO.domain
        )
        body = b"grant_type=none"
        writer.write(
            f"POST /service/token HTTP/1.1\r\nHost: {DEMO.domain}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
        )
        writer.write(body[:5])
        await writer.drain()
        await registry.create(NAME)
        async with asyncio.timeout(60):
            while not await registry.is_trusted(NAME):  # noqa: ASYNC110  # nobody tells of it
                await asyncio.sleep(0.01)
        writer.write(body[5:])
        answered = await reader.readline()
        writer.close()
        await registry.statuses(DomainStatus.SUCCESS)

        assert answered.startswith(b"HTTP/1.1 400 ")


async def test_a_domain_is_served_after_a_restart(tmp_path: Path) -> None:
    """From the moment when the door is open."""
    async with scene(tmp_path) as registry:
        await registry.create(NAME)
        await registry.statuses(DomainStatus.SUCCESS)
    async with scene(tmp_path) as registry:
        assert await registry.is_trusted(NAME)


async def test_without_the_authoritys_key_a_domain_fails(tmp_path: Path) -> None:
    """And the default one is served all the same."""
    await asyncio.to_thread(write_certificates, tmp_path)
    (tmp_path / "ca.key").unlink()
    async with scene(tmp_path) as registry:
        await registry.create(NAME)
        await registry.statuses(DomainStatus.FAILURE)

        assert await registry.is_trusted(DEMO.domain)
        assert not await registry.is_trusted(NAME)
        await registry.delete(NAME)
        await registry.statuses()
