"""The loopback doors: each instance is reachable at `http://127.0.0.1:<port>` of its host.

docker, podman and skopeo accept plain HTTP there and nowhere else. The port is written into the
instance and kept over restarts, because logins are remembered by it. An instance is `RUNNING` when
its door is open; one that is being deleted loses its door, then its content, then its record.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Awaitable, Callable

import msgspec
import structlog

from towline.problem import Problem
from towline.registry.door import Door, Scheme
from towline.registry.doors import Doors, OpenDoor
from towline.resource.instance import Instance, InstanceStatus
from towline.store.collection import Collection
from towline.store.error import NotFound

ADDRESS = "127.0.0.1"
FIRST_PORT, LAST_PORT = 20500, 29999  # below the ports that the kernel lends to clients
_log = structlog.get_logger("towline.registry")


class LoopbackDoors:
    """Keeps the loopback doors as the records of the instances want them."""

    def __init__(
        self,
        instances: Collection[Instance],
        doors: Doors,
        erase: Callable[[str], Awaitable[None]],
    ) -> None:
        self._instances = instances
        self._doors = doors
        self._erase = erase
        self._open = dict[str, OpenDoor]()

    async def run(self, opened: Callable[[], None]) -> None:
        """Follow the records until cancelled; `opened` is called when all doors are open for the
        first time.
        """
        is_first = True
        async for instances in self._instances.follow():
            await self._close_gone({instance.id for instance in instances})
            for instance in instances:
                await self._meet(instance)
            if is_first:
                is_first = False
                opened()

    async def _close_gone(self, known: set[str]) -> None:
        for gone in self._open.keys() - known:
            await self._close(gone)

    async def _meet(self, instance: Instance) -> None:
        if instance.status is InstanceStatus.DELETING:
            await self._remove(instance.id)
        elif instance.id not in self._open:
            await self._admit(instance)

    async def _admit(self, instance: Instance) -> None:
        listening = _listen(instance.loopback_port)
        port = listening.getsockname()[1]
        door = Door(f"loopback-{instance.id}", instance.id, Scheme.HTTP)
        self._open[instance.id] = self._doors.open(door, listening)
        try:
            await self._instances.update("", instance.id, lambda held: _running(held, port))
        except NotFound:
            await self._close(instance.id)

    async def _remove(self, instance_id: str) -> None:
        await self._close(instance_id)
        await self._erase(instance_id)
        try:
            await self._instances.delete("", instance_id)
        except NotFound:
            return
        _log.info("instance-removed", instance=instance_id)

    async def _close(self, instance_id: str) -> None:
        door = self._open.pop(instance_id, None)
        if door is not None:
            await self._doors.close(door)


def _running(held: Instance, port: int) -> Instance:
    if held.status is InstanceStatus.DELETING:
        return held
    return msgspec.structs.replace(held, status=InstanceStatus.RUNNING, loopback_port=port)


def _listen(remembered: int) -> socket.socket:
    """A socket at the remembered port, or at the first free one when somebody else has it."""
    candidates = range(FIRST_PORT, LAST_PORT + 1)
    for port in (remembered, *candidates) if remembered else candidates:
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((ADDRESS, port))
            listening.listen()
        except OSError as error:
            listening.close()
            if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
                raise
        else:
            return listening
    raise Problem(
        "no-loopback-port",
        cause=f"no port of {ADDRESS} from {FIRST_PORT} to {LAST_PORT} is free",
        remedy="end the processes that have them",
    )
