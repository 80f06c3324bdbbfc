"""The registry's application under both servers that may run it: granian, and uvicorn.

What a server owes the application: bodies in pieces, the news that one was cut off, files, leave to
send only when it is wanted, and an end that waits for what is being answered.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from tests.registry_calls import DEMO, Bench, Caller, bench

from towline.oci.digest import Digest
from towline.registry.application import Application
from towline.registry.door import Door, Scheme
from towline.registry.door_server import DoorServer

UPLOADS = "/v2/team/app/blobs/uploads/"
LARGE = bytes(range(256)) * 20_000  # 5 MB: many reads, more than any buffer between


@dataclass(frozen=True, slots=True)
class Running:
    """A server: where it is, and how it is told to end."""

    port: int
    end: Callable[[], Awaitable[None]]


PATIENCE = 60.0  # seconds: a busy disk may take its time to sync
Served = Callable[[Application], AbstractAsyncContextManager[Running]]


@asynccontextmanager
async def under_granian(application: Application) -> AsyncIterator[Running]:
    """The server that doors have."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    server = DoorServer(application, listening, None)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.run())
        yield Running(port, server.close)
        await server.close()


@asynccontextmanager
async def under_uvicorn(application: Application) -> AsyncIterator[Running]:
    """The server that may take its place."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        application, lifespan="off", log_config=None, timeout_graceful_shutdown=2
    )
    server = uvicorn.Server(config)
    async with asyncio.TaskGroup() as tasks:
        # Signals are the test runner's.
        task = tasks.create_task(server._serve([listening]))

        async def end() -> None:
            server.should_exit = True
            await asyncio.wait([task])

        yield Running(listening.getsockname()[1], end)
        await end()


SERVERS = [pytest.param(under_granian, id="granian"), pytest.param(under_uvicorn, id="uvicorn")]


class Connection:
    """HTTP by hand: what a server does with a request that a library would not send."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def head(self, method: str, path: str, token: str, **headers: str) -> None:
        """Send the head of a request."""
        lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", f"authorization: Bearer {token}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Read an answer with a length."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        status = int(head[0].split()[1])
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        length = int(headers.get("content-length", "0"))
        return status, headers, await self.reader.readexactly(length)


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Connection]:
    """A connection for the length of the block, in which nothing may take long."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(PATIENCE):
            yield Connection(reader, writer)
    finally:
        writer.transport.abort()


def application(held: Bench) -> Application:
    """The application of a door of `demo`."""
    return Application(Door("test", DEMO.id, Scheme.HTTP), held.registry.endpoints)


async def token(held: Bench) -> str:
    """A token for everything in `team/app`."""
    return await held.caller(DEMO).token("repository:team/app:pull,push")


async def test_a_door_holds_nothing_back_until_its_client_acknowledges(tmp_path: Path) -> None:
    """Linux hands TCP_NODELAY on to what a listening socket accepts."""
    listening = socket.create_server(("127.0.0.1", 0))
    async with bench(tmp_path) as held:
        with listening.dup() as same:
            server = DoorServer(application(held), listening, None)
            is_set = same.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.run())
            await server.close()

        assert is_set


@pytest.mark.parametrize("served", SERVERS)
async def test_a_large_blob_goes_in_and_comes_out(tmp_path: Path, served: Served) -> None:
    """Pushed in one request, pulled wholly and in part, looked at, all on one connection."""
    digest = str(Digest.of(LARGE))
    path = f"/v2/team/app/blobs/{digest}"
    async with bench(tmp_path) as held, served(application(held)) as on, connected(on.port) as http:
        bearer = await token(held)
        http.head("POST", f"{UPLOADS}?digest={digest}", bearer, content_length=str(len(LARGE)))
        http.writer.write(LARGE)
        pushed, _, _ = await http.answer()
        http.head("GET", path, bearer)
        _, _, whole = await http.answer()
        http.head("GET", path, bearer, range="bytes=100000-3000000")
        partial, _, part = await http.answer()
        http.head("HEAD", path, bearer)
        look = await http.reader.readuntil(b"\r\n\r\n")
        http.head("GET", "/v2/", bearer)
        after, _, _ = await http.answer()

        assert (pushed, partial, after) == (201, 206, 200)
        assert whole == LARGE
        assert part == LARGE[100000:3000001]
        assert f"content-length: {len(LARGE)}".encode() in look.lower()


@pytest.mark.parametrize("served", SERVERS)
@pytest.mark.parametrize("framing", ["length", "chunks"])
async def test_a_cut_off_piece_is_kept_and_not_taken_for_whole(
    tmp_path: Path, served: Served, framing: str
) -> None:
    """The upload stands at what arrived; the blob that was meant does not exist."""
    digest = str(Digest.of(b"01234"))
    async with bench(tmp_path) as held, served(application(held)) as running:
        caller = held.caller(DEMO)
        location = (await caller.ask("POST", UPLOADS)).headers["location"]
        async with connected(running.port) as http:
            path, bearer = f"{location}?digest={digest}", await token(held)
            if framing == "length":
                http.head("PUT", path, bearer, content_length="10")
                http.writer.write(b"01234")
            else:
                http.head("PUT", path, bearer, transfer_encoding="chunked")
                http.writer.write(b"5\r\n01234\r\n")
            await http.writer.drain()
            http.writer.write_eof()
            await http.reader.read()
        await _comes_to(caller, location, "0-4")
        missing = await caller.ask("GET", f"/v2/team/app/blobs/{digest}")

        assert missing.status == 404


@pytest.mark.parametrize("served", SERVERS)
async def test_a_refused_upload_is_not_asked_for(tmp_path: Path, served: Served) -> None:
    """A client that waits for leave to send gets the refusal instead of it."""
    async with bench(tmp_path) as held, served(application(held)) as on, connected(on.port) as http:
        http.head("POST", UPLOADS, "x", content_length=str(10**9), expect="100-continue")
        line = await http.reader.readline()

        assert b" 401 " in line


@pytest.mark.parametrize("served", SERVERS)
async def test_a_client_that_sends_at_once_still_hears_the_refusal(
    tmp_path: Path, served: Served
) -> None:
    """A little of the body is read for its sake."""
    async with bench(tmp_path) as held, served(application(held)) as on, connected(on.port) as http:
        http.head("POST", UPLOADS, "x", content_length="500000")
        http.writer.write(bytes(500_000))
        status, headers, _ = await http.answer()

        assert status == 401
        assert 'error="invalid_token"' in headers["www-authenticate"]


@pytest.mark.parametrize("served", SERVERS)
async def test_an_end_waits_for_what_is_being_answered(tmp_path: Path, served: Served) -> None:
    """The upload that is nearly there gets its 201, and is there."""
    digest = str(Digest.of(b"0123456789"))
    async with (
        bench(tmp_path) as held,
        served(application(held)) as running,
        connected(running.port) as http,
        asyncio.TaskGroup() as tasks,
    ):
        await _begin(http, f"{UPLOADS}?digest={digest}", await token(held))
        ending = tasks.create_task(_end(running))
        await asyncio.sleep(0)
        http.writer.write(b"56789")
        status, _, _ = await http.answer()
        await ending
        kept = await held.caller(DEMO).ask("GET", f"/v2/team/app/blobs/{digest}")

        assert (status, kept.body) == (201, b"0123456789")


@pytest.mark.slow
@pytest.mark.parametrize("served", SERVERS)
async def test_an_end_does_not_wait_for_ever(tmp_path: Path, served: Served) -> None:
    """A client that sends no more is broken off; what it had sent stays in its upload."""
    async with (
        bench(tmp_path) as held,
        served(application(held)) as running,
        connected(running.port) as http,
    ):
        caller = held.caller(DEMO)
        location = (await caller.ask("POST", UPLOADS)).headers["location"]
        await _begin(http, location, await token(held), "PATCH")
        await _end(running)
        await _comes_to(caller, location, "0-4")
        status = await caller.ask("GET", location)

        assert status.headers["range"] == "0-4"


async def _comes_to(caller: Caller, location: str, progress: str) -> None:
    """Wait until an upload stands where it should: a server may learn late of a client's end."""
    async with asyncio.timeout(PATIENCE):
        while (await caller.ask("GET", location)).headers["range"] != progress:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def _begin(http: Connection, path: str, bearer: str, method: str = "POST") -> None:
    """Send half of ten bytes, once the application is known to read them."""
    http.head(method, path, bearer, content_length="10", expect="100-continue")
    assert b" 100 " in await http.reader.readuntil(b"\r\n\r\n")
    http.writer.write(b"01234")
    await http.writer.drain()


async def _end(running: Running) -> None:
    async with asyncio.timeout(PATIENCE):
        await running.end()
