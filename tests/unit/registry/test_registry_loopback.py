"""Loopback doors: an instance is Running when its door is open, and gone when all of it is gone."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import msgspec
from tests.registry_calls import settings
from tests.registry_role import SECRET, USER, credential, instance, namespace, write_down

from towline.oci.digest import Digest
from towline.registry.serve import serve
from towline.resource import kind
from towline.resource.instance import Instance, InstanceStatus
from towline.store.collection import Collection
from towline.store.store import Store


@dataclass(frozen=True, slots=True)
class Served:
    """A role that serves, and the records that it follows."""

    store: Store
    instances: Collection[Instance]

    async def becomes(self, status: InstanceStatus | None) -> Instance | None:
        """Wait until the instance `demo` has a status, or is gone."""
        async with asyncio.timeout(60):
            async for _ in self.instances.follow():
                found = self.instances.get("", "tcr-demo")
                if (found.status if found else None) is status:
                    return found
        raise AssertionError("follow never ends")

    async def port(self) -> int:
        """The port of `demo` once it is open."""
        found = await self.becomes(InstanceStatus.RUNNING)
        assert found is not None
        return found.loopback_port


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[Served]:
    """The role on a folder for the length of the block."""
    ready = asyncio.Event()
    async with Store.open(folder / "records.db") as store, asyncio.TaskGroup() as tasks:
        role = tasks.create_task(serve(store, settings(folder), ready.set))
        async with asyncio.timeout(60):
            await ready.wait()
        yield Served(store, Collection(store, kind.INSTANCE, Instance))
        role.cancel()


async def answers(port: int) -> bool:
    """Whether there is a registry at a port."""
    try:
        async with aiohttp.request("GET", f"http://127.0.0.1:{port}/v2/") as answer:
            return answer.headers["docker-distribution-api-version"] == "registry/2.0"
    except aiohttp.ClientConnectionError:
        return False


async def test_a_new_instance_runs_when_its_door_is_open(tmp_path: Path) -> None:
    """The port in the record answers."""
    async with served(tmp_path) as held:
        await write_down(held.store, [instance()])
        port = await held.port()

        assert await answers(port)


async def test_a_door_keeps_its_port(tmp_path: Path) -> None:
    """Over restarts of the role, because logins are remembered by it; it is open at `ready`."""
    async with served(tmp_path) as held:
        await write_down(held.store, [instance("other"), instance()])
        first = await held.port()
    closed = await answers(first)
    async with served(tmp_path) as held:
        again = held.instances.get("", "tcr-demo")

        assert again is not None
        assert (again.loopback_port, closed) == (first, False)
        assert await answers(first)


async def test_a_door_moves_when_somebody_took_its_port(tmp_path: Path) -> None:
    """The new one is written down."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        record = msgspec.structs.replace(
            instance(), loopback_port=port, status=InstanceStatus.RUNNING
        )
        async with Store.open(tmp_path / "records.db") as store:
            await write_down(store, [record])
        async with served(tmp_path) as held:
            found = held.instances.get("", "tcr-demo")

            assert found is not None
            assert found.loopback_port != port
            assert await answers(found.loopback_port)


async def test_a_deleted_instance_takes_its_door_and_its_content_with_it(tmp_path: Path) -> None:
    """The record goes last: until then the cloud shows the instance as going."""
    demo = instance()
    async with served(tmp_path) as held:
        await write_down(held.store, [demo], [namespace(demo, "team")], [credential(demo)])
        port = await held.port()
        await _push_blob(port, b"content")
        await held.instances.update("", demo.id, _going)
        await held.becomes(None)
        blobs = tmp_path / "registry/blobs"

        assert not await answers(port)
        assert [one for one in blobs.rglob("*") if one.is_file()] == []


async def test_a_deletion_that_was_cut_off_goes_on(tmp_path: Path) -> None:
    """The role that is started next finds the instance going and ends it."""
    async with Store.open(tmp_path / "records.db") as store:
        await write_down(store, [_going(instance())])
    async with served(tmp_path) as held:
        assert held.instances.get("", "tcr-demo") is None


async def _push_blob(port: int, content: bytes) -> None:
    door = f"http://127.0.0.1:{port}"
    login = {"Authorization": aiohttp.encode_basic_auth(USER, SECRET)}
    scope = {"scope": "repository:team/app:pull,push"}
    query = {"digest": str(Digest.of(content))}
    async with aiohttp.ClientSession(door, raise_for_status=True) as http:
        async with http.get("/service/token", params=scope, headers=login) as answer:
            token = (await answer.json())["token"]
        bearer = {"Authorization": f"Bearer {token}"}
        path = "/v2/team/app/blobs/uploads/"
        async with http.post(path, params=query, data=content, headers=bearer) as answer:
            assert answer.status == 201


def _going(held: Instance) -> Instance:
    return msgspec.structs.replace(held, status=InstanceStatus.DELETING)
