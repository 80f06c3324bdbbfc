"""Doors that others hand in: a listening socket by descriptor, alive as long as its giver."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.registry_calls import settings
from tests.registry_role import instance, write_down

from towline.installation.certificate import new_authority, server_identity
from towline.registry.serve import serve
from towline.store.store import Store


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[Path]:
    """A role with the instance `demo`; gives the path of the socket for doors."""
    now = datetime.now(UTC)
    authority = new_authority("test", now)
    names = ["*.tencentcloudcr.com"]
    registry = await asyncio.to_thread(server_identity, authority, names, now)
    (folder / "ca.crt").write_bytes(authority.certificate)
    (folder / "registry.crt").write_bytes(registry.certificate)
    (folder / "registry.key").write_bytes(registry.key)
    ready = asyncio.Event()
    async with Store.open(folder / "records.db") as store, asyncio.TaskGroup() as tasks:
        await write_down(store, [instance()])
        role = tasks.create_task(serve(store, settings(folder), ready.set))
        async with asyncio.timeout(60):
            await ready.wait()
        yield settings(folder).doors_socket
        role.cancel()


class Giver:
    """Hands doors in over one connection."""

    def __init__(self, path: Path) -> None:
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.settimeout(60)
        self._connection.connect(str(path))

    async def give(self, message: dict[str, str], *descriptors: int) -> dict[str, Any]:
        """Send a message with descriptors and read the reply."""
        return await asyncio.to_thread(self._give, json.dumps(message).encode(), descriptors)

    def _give(self, line: bytes, descriptors: tuple[int, ...]) -> dict[str, Any]:
        socket.send_fds(self._connection, [line + b"\n"], descriptors)
        reply: dict[str, Any] = json.loads(self._connection.makefile("rb").readline())
        return reply

    def close(self) -> None:
        """Die."""
        self._connection.close()


def listening() -> tuple[socket.socket, int]:
    """A socket that listens somewhere, and its port."""
    here = socket.create_server(("127.0.0.1", 0))
    return here, here.getsockname()[1]


def message(id_: str, scheme: str = "http") -> dict[str, str]:
    """What comes with a door of `demo`."""
    return {"id": id_, "instance_id": "tcr-demo", "scheme": scheme}


async def challenge(url: str, *, name: str = "", trust: ssl.SSLContext | None = None) -> str:
    """How the registry at a URL greets somebody without a token; empty when nobody is there."""
    try:
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{url}/v2/", ssl=trust or True, server_hostname=name or None) as answer,
        ):
            return answer.headers["www-authenticate"]
    except (ConnectionResetError, aiohttp.ClientConnectionError):
        return ""


async def closes(url: str) -> bool:
    """Whether a door is closed within a while."""
    async with asyncio.timeout(60):
        while await challenge(url):  # noqa: ASYNC110  # nobody tells when a door is shut
            await asyncio.sleep(0.01)
    return True


async def test_a_door_is_served_from_its_descriptor(tmp_path: Path) -> None:
    """The giver may close its own copy at once."""
    async with served(tmp_path) as path:
        giver, (here, port) = Giver(path), listening()
        reply = await giver.give(message("public"), here.fileno())
        here.close()
        greeted = await challenge(f"http://127.0.0.1:{port}")
        giver.close()

        assert reply == {"ok": True}
        assert f'realm="http://127.0.0.1:{port}/service/token"' in greeted


async def test_an_https_door_shows_the_certificate_of_the_domains(tmp_path: Path) -> None:
    """Trusted by those who trust the installation, for every instance's name, over HTTP/1.1."""
    async with served(tmp_path) as path:
        giver, (here, port) = Giver(path), listening()
        await giver.give(message("public", "https"), here.fileno())
        trust = ssl.create_default_context(cafile=str(tmp_path / "ca.crt"))
        trust.set_alpn_protocols(["h2", "http/1.1"])
        name = "demo.tencentcloudcr.com"
        greeted = await challenge(f"https://127.0.0.1:{port}", name=name, trust=trust)
        chosen = await asyncio.to_thread(_protocol, port, name, trust)
        here.close()
        giver.close()

        assert 'realm="https://' in greeted
        assert f'service="{name}"' in greeted
        assert chosen == "http/1.1"


def _protocol(port: int, name: str, trust: ssl.SSLContext) -> str | None:
    with (
        socket.create_connection(("127.0.0.1", port)) as plain,
        trust.wrap_socket(plain, server_hostname=name) as secured,
    ):
        return secured.selected_alpn_protocol()


async def test_a_door_ends_with_the_connection_it_came_over(tmp_path: Path) -> None:
    """The agent died; a new one hands the door in again, under the same name."""
    async with served(tmp_path) as path:
        first, (here, port) = Giver(path), listening()
        url = f"http://127.0.0.1:{port}"
        await first.give(message("public"), here.fileno())
        here.close()
        first.close()
        ended = await closes(url)
        second, (here, port) = Giver(path), listening()
        reply = await second.give(message("public"), here.fileno())
        here.close()
        greeted = await challenge(f"http://127.0.0.1:{port}")
        second.close()

        assert ended
        assert reply == {"ok": True}
        assert greeted


async def test_one_door_is_closed_by_its_name(tmp_path: Path) -> None:
    """The other of the same giver stays; closing what is not there is no error."""
    async with served(tmp_path) as path:
        giver = Giver(path)
        ports = []
        for name in ("one", "two"):
            here, port = listening()
            await giver.give(message(name), here.fileno())
            here.close()
            ports.append(port)
        replies = [await giver.give({"close": name}) for name in ("one", "one")]
        greeted = [await challenge(f"http://127.0.0.1:{port}") for port in ports]
        giver.close()

        assert replies == [{"ok": True}, {"ok": True}]
        assert [bool(one) for one in greeted] == [False, True]


async def test_a_door_handed_in_again_takes_the_place_of_the_old(tmp_path: Path) -> None:
    """The giver made a new socket for it."""
    async with served(tmp_path) as path:
        giver = Giver(path)
        (old, old_port), (new, new_port) = listening(), listening()
        await giver.give(message("public"), old.fileno())
        old.close()
        await giver.give(message("public"), new.fileno())
        new.close()
        greeted = [await challenge(f"http://127.0.0.1:{port}") for port in (old_port, new_port)]
        giver.close()

        assert [bool(one) for one in greeted] == [False, True]


async def test_several_doors_in_one_go_find_their_sockets(tmp_path: Path) -> None:
    """Messages may arrive together; each line takes the descriptor that was sent with it."""
    async with served(tmp_path) as path:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(60)
        connection.connect(str(path))
        sockets = [listening() for _ in range(3)]
        for number, (here, _) in enumerate(sockets):
            line = json.dumps(message(f"door-{number}")).encode() + b"\n"
            socket.send_fds(connection, [b'{"close": "x"}\n' + line[:7]], [here.fileno()])
            connection.sendall(line[7:])
        replies = await asyncio.to_thread(_lines, connection, 6)
        for here, _ in sockets:
            here.close()
        greeted = [await challenge(f"http://127.0.0.1:{port}") for _, port in sockets]
        connection.close()

        assert replies == [{"ok": True}] * 6
        assert all(greeted)


def _lines(connection: socket.socket, count: int) -> list[Any]:
    with connection.makefile("rb") as file:
        return [json.loads(file.readline()) for _ in range(count)]


@pytest.mark.parametrize("what", ["rubbish", "no descriptor", "a file", "a socket that is shut"])
async def test_what_is_no_door_is_refused_with_its_cause(tmp_path: Path, what: str) -> None:
    """And the connection goes on: the next door is taken."""
    async with served(tmp_path) as path:
        giver = Giver(path)
        if what == "rubbish":
            reply = await giver.give({"scheme": "gopher"})
        elif what == "no descriptor":
            reply = await giver.give(message("x"))
        elif what == "a file":
            with (tmp_path / "file").open("w") as file:
                reply = await giver.give(message("x"), file.fileno())
        else:
            with socket.socket() as shut:
                reply = await giver.give(message("x"), shut.fileno())
        here, port = listening()
        await giver.give(message("y"), here.fileno())
        here.close()
        greeted = await challenge(f"http://127.0.0.1:{port}")
        giver.close()

        assert reply["ok"] is False
        assert reply["cause"]
        assert greeted


async def test_no_descriptor_is_left_behind(tmp_path: Path) -> None:
    """Neither of doors that were closed nor of messages that were refused.

    The server's threads let go of theirs a moment later; a leak would be one for each door.
    """
    async with served(tmp_path) as path:
        giver = Giver(path)
        await _open_and_close(giver)
        before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
        for _ in range(20):
            await _open_and_close(giver)
        after = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
        giver.close()

        assert after < before + 20


async def _open_and_close(giver: Giver) -> None:
    here, port = listening()
    await giver.give(message("x"), here.fileno())
    here.close()
    await challenge(f"http://127.0.0.1:{port}")
    await giver.give({"close": "x"})


async def test_a_stale_socket_of_a_dead_role_is_replaced(tmp_path: Path) -> None:
    """`kill -9` leaves the path behind."""
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(settings(tmp_path).doors_socket))
    async with served(tmp_path) as path:
        giver, (here, _) = Giver(path), listening()
        reply = await giver.give(message("x"), here.fileno())
        here.close()
        giver.close()

        assert reply == {"ok": True}
        assert path.stat().st_mode & 0o777 == 0o600
