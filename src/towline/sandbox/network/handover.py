"""Doors handed to the registry: it has no rights in a VPC, so it is given sockets that listen there.

All doors go over one connection to the registry's UNIX socket, one line for each:

    {"id", "instance_id", "scheme"} with the socket's descriptor      here is a door
    {"close": "<id>"}                                                 it is no more
    {"ok": true} or {"ok": false, "cause"}                            the answer to either

The registry serves a door for as long as the connection lives. When it breaks, all doors are handed
in again over the next. The sockets stay open here meanwhile, so that those who dial while the
registry starts anew wait, and are not refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog

_log = structlog.get_logger("towline.network")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 0.25  # seconds between two attempts to reach the registry
_PATIENCE = 10.0  # seconds for the answer to a line
_AGAIN = 2.0  # seconds until a refused door is offered again


@dataclass(frozen=True, slots=True, eq=False)
class OpenDoor:
    """A socket that listens for one instance."""

    id: str
    instance_id: str
    listening: socket.socket


class _Offer(msgspec.Struct, frozen=True):
    id: str
    instance_id: str
    scheme: str = "https"


class _Close(msgspec.Struct, frozen=True):
    close: str


class _Reply(msgspec.Struct, frozen=True):
    ok: bool
    cause: str = ""


class Handover:
    """Keeps the registry at `path` informed of the doors; calls `answered` when it has taken one."""

    def __init__(self, path: Path, answered: Callable[[], None]) -> None:
        self._path = path
        self._answered = answered
        self._offered: dict[str, OpenDoor] = {}
        self._taken: dict[str, OpenDoor] = {}
        self._changed = asyncio.Event()

    def offer(self, door: OpenDoor) -> None:
        """Hand a door in, now or as soon as there is a registry."""
        self._offered[door.id] = door
        self._changed.set()

    def withdraw(self, door_id: str) -> None:
        """Have the registry close a door."""
        self._offered.pop(door_id, None)
        self._changed.set()

    def is_served(self, door: OpenDoor) -> bool:
        """Whether the registry has taken the door and still lives."""
        return self._taken.get(door.id) is door

    async def run(self) -> None:
        """Be connected until cancelled."""
        pause = _FIRST_PAUSE
        while True:
            try:
                async with _connected(self._path) as line:
                    pause = _FIRST_PAUSE
                    await self._keep_informed(line)
            except OSError:
                self._taken.clear()
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _keep_informed(self, line: _Line) -> None:
        """Tell the differences as they come up; an end of the connection is an `OSError`."""
        while True:
            self._changed.clear()
            for door_id in self._taken.keys() - self._offered.keys():
                await line.ask(_Close(door_id))
                del self._taken[door_id]
            refused = False
            for door_id in sorted(self._offered):
                door = self._offered.get(door_id)
                if door is not None and not self.is_served(door):
                    refused |= not await self._hand_in(line, door)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_AGAIN if refused else None):
                    await line.quiet(self._changed)

    async def _hand_in(self, line: _Line, door: OpenDoor) -> bool:
        reply = await line.ask(_Offer(door.id, door.instance_id), door.listening)
        if not reply.ok:
            _log.warning("door-refused", door=door.id, cause=reply.cause)
            return False
        self._taken[door.id] = door
        self._answered()
        return True


class _Line:
    """One connection: a question, then its answer, and silence in between."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()

    async def ask(self, message: _Offer | _Close, listening: socket.socket | None = None) -> _Reply:
        """What the registry says to a message."""
        text = msgspec.json.encode(message) + b"\n"
        descriptors = [] if listening is None else [listening.fileno()]
        # A line fits the empty buffer of a connection on which nothing else is under way.
        socket.send_fds(self._connection, [text], descriptors)
        reply = b""
        async with asyncio.timeout(_PATIENCE):
            while not reply.endswith(b"\n"):
                piece = await self._loop.sock_recv(self._connection, 65_536)
                if not piece:
                    raise ConnectionResetError("the registry hung up")
                reply += piece
        return _reply(reply)

    async def quiet(self, until: asyncio.Event) -> None:
        """Wait for an event; `ConnectionResetError` when the registry hangs up meanwhile."""
        self._loop.add_reader(self._connection, until.set)
        try:
            await until.wait()
        finally:
            self._loop.remove_reader(self._connection)
        with contextlib.suppress(BlockingIOError):
            self._connection.recv(1)  # it has nothing to say unasked
            raise ConnectionResetError("the registry hung up")


@asynccontextmanager
async def _connected(path: Path) -> AsyncIterator[_Line]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(0)
        await asyncio.get_running_loop().sock_connect(connection, str(path))
        yield _Line(connection)


def _reply(line: bytes) -> _Reply:
    try:
        return msgspec.json.decode(line, type=_Reply)
    except msgspec.MsgspecError as error:
        raise ConnectionAbortedError(f"the registry's answer cannot be read: {error}") from error
