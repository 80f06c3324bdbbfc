"""Where others hand in doors: a UNIX socket that takes listening sockets by descriptor.

The registry has no rights in the namespaces of a VPC. Whoever has, listens there and passes the
socket on: a line `{"id", "instance_id", "scheme"}` with the descriptor, answered by `{"ok": true}` or
`{"ok": false, "cause"}`; `{"close": "<id>"}` closes a door. A door lives as long as the connection
over which it came: when its giver dies, so does its way in, and the giver hands all in again.
"""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import msgspec
import structlog

from towline.registry.descriptors import LineConnection
from towline.registry.door import Door, Scheme
from towline.registry.doors import Doors, OpenDoor

_log = structlog.get_logger("towline.registry")


class _Message(msgspec.Struct, frozen=True, omit_defaults=True):
    id: str = ""
    instance_id: str = ""
    scheme: Scheme = Scheme.HTTPS
    close: str = ""


class _Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    ok: bool
    cause: str = ""


_decoder = msgspec.json.Decoder(_Message)


class DoorIntake:
    """Takes doors in at one path."""

    def __init__(self, path: Path, doors: Doors) -> None:
        self._path = path
        self._doors = doors

    async def run(self) -> None:
        """Serve until cancelled."""
        loop = asyncio.get_running_loop()
        with _listen(self._path) as listening:
            async with asyncio.TaskGroup() as guests:
                while True:
                    connection, _ = await loop.sock_accept(listening)
                    guests.create_task(self._serve(LineConnection(connection)))

    async def _serve(self, connection: LineConnection) -> None:
        given = dict[str, OpenDoor]()
        try:
            while (line := await connection.line()) is not None:
                reply = await self._answer(line, connection, given)
                await connection.send(msgspec.json.encode(reply))
        except ConnectionError:
            pass  # it is gone, which is an end like any other
        finally:
            connection.close()
            for door in given.values():
                await self._doors.close(door)

    async def _answer(
        self, line: bytes, connection: LineConnection, given: dict[str, OpenDoor]
    ) -> _Reply:
        try:
            message = _decoder.decode(line)
        except msgspec.MsgspecError as error:
            return _Reply(ok=False, cause=f"the message cannot be read: {error}")
        await self._close(message.close or message.id, given)
        if message.close:
            return _Reply(ok=True)
        descriptor = connection.descriptor()
        if descriptor is None:
            return _Reply(ok=False, cause="no descriptor came with the message")
        try:
            listening = _adopt(descriptor)
            door = Door(message.id, message.instance_id, message.scheme)
            given[message.id] = self._doors.open(door, listening)
        except OSError as error:
            _log.warning("door-refused", door=message.id, cause=str(error))
            return _Reply(ok=False, cause=str(error))
        return _Reply(ok=True)

    async def _close(self, door_id: str, given: dict[str, OpenDoor]) -> None:
        door = given.pop(door_id, None)
        if door is not None:
            await self._doors.close(door)


def _adopt(descriptor: int) -> socket.socket:
    """The socket of a descriptor; raises `OSError` when it is none that listens."""
    try:
        adopted = socket.socket(fileno=descriptor)
    except OSError:
        os.close(descriptor)
        raise
    if not adopted.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        adopted.close()
        raise OSError("the descriptor is not a listening socket")
    return adopted


def _listen(path: Path) -> socket.socket:
    """The socket at a path. What lies there is of a process that is gone: the role is locked."""
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX)
    listening.settimeout(0)
    listening.bind(str(path))
    path.chmod(0o600)
    listening.listen()
    return listening
