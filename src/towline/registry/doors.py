"""The doors that are open now, whoever asked for them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from towline.registry.application import Application, Endpoints
from towline.registry.door import Door, Scheme
from towline.registry.door_server import DoorServer, TlsFiles

_log = structlog.get_logger("towline.registry")


@dataclass(frozen=True, slots=True)
class _Running:
    server: DoorServer
    task: asyncio.Task[None]

    async def end(self) -> None:
        await self.server.close()
        self.task.cancel()


@dataclass(slots=True, eq=False)
class OpenDoor:
    """A door that is open. Its socket is kept besides the server's, so that another can follow."""

    door: Door
    listening: socket.socket
    running: _Running


class Doors:
    """Opens doors as tasks of a group; `close_all` before the group ends.

    `tls_of` says with which certificate an instance is served now.
    """

    def __init__(
        self, endpoints: Endpoints, tls_of: Callable[[str], TlsFiles], tasks: asyncio.TaskGroup
    ) -> None:
        self._endpoints = endpoints
        self._tls_of = tls_of
        self._tasks = tasks
        self._open = set[OpenDoor]()

    def open(self, door: Door, listening: socket.socket) -> OpenDoor:
        """Serve an instance at a listening socket, from now until it is closed."""
        opened = OpenDoor(door, listening.dup(), self._serve(door, listening))
        self._open.add(opened)
        _log.info("door-opened", door=door.id, instance=door.instance_id, scheme=door.scheme.value)
        return opened

    async def renew(self, instance_id: str) -> None:
        """Serve the HTTPS doors of an instance with its certificate of now.

        The new server takes connections before the old one stops to, and the old one answers what
        it has begun; only a handshake of that very moment is broken off.
        """
        for opened in tuple(self._open):
            door = opened.door
            if door.instance_id != instance_id or door.scheme is not Scheme.HTTPS:
                continue
            if opened in self._open:  # it may have been closed while another was renewed
                old = opened.running
                opened.running = self._serve(door, opened.listening.dup())
                await old.end()

    async def close(self, opened: OpenDoor) -> None:
        """Close one door; closing twice is the same as once."""
        if opened in self._open:
            self._open.discard(opened)
            opened.listening.close()
            await opened.running.end()

    async def close_all(self) -> None:
        """Close all doors at the same time."""
        async with asyncio.TaskGroup() as closing:
            for opened in tuple(self._open):
                closing.create_task(self.close(opened))

    def _serve(self, door: Door, listening: socket.socket) -> _Running:
        tls = self._tls_of(door.instance_id) if door.scheme is Scheme.HTTPS else None
        server = DoorServer(Application(door, self._endpoints), listening, tls)
        return _Running(server, self._tasks.create_task(server.run()))
