"""The doors that are open now, whoever asked for them."""

from __future__ import annotations

import asyncio
import socket

import structlog

from towline.registry.application import Application, Endpoints
from towline.registry.door import Door, Scheme
from towline.registry.door_server import DoorServer, TlsFiles

_log = structlog.get_logger("towline.registry")


class Doors:
    """Opens doors as tasks of a group; `close_all` before the group ends."""

    def __init__(self, endpoints: Endpoints, tls: TlsFiles, tasks: asyncio.TaskGroup) -> None:
        self._endpoints = endpoints
        self._tls = tls
        self._tasks = tasks
        self._open = dict[DoorServer, asyncio.Task[None]]()

    def open(self, door: Door, listening: socket.socket) -> DoorServer:
        """Serve an instance at a listening socket, from now until it is closed."""
        application = Application(door, self._endpoints)
        tls = self._tls if door.scheme is Scheme.HTTPS else None
        server = DoorServer(application, listening, tls)
        self._open[server] = self._tasks.create_task(server.run())
        _log.info("door-opened", door=door.id, instance=door.instance_id, scheme=door.scheme.value)
        return server

    async def close(self, server: DoorServer) -> None:
        """Close one door; closing twice is the same as once."""
        task = self._open.pop(server, None)
        if task is not None:
            await server.close()
            task.cancel()

    async def close_all(self) -> None:
        """Close all doors at the same time."""
        async with asyncio.TaskGroup() as closing:
            for server in list(self._open):
                closing.create_task(self.close(server))
