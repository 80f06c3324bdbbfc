"""Doors to instances: sockets that listen at the access addresses of links, inside the routers of VPCs,
and at public addresses, in the internet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from towline.linux import network_namespace
from towline.network.ruleset import DOOR_PORT
from towline.sandbox.network.handover import Handover, OpenDoor


@dataclass(frozen=True, slots=True)
class Place:
    """Where a door is to be, and which instance is behind it."""

    instance_id: str
    namespace: str
    address: str


class Doors:
    """Opens and closes the sockets and hands them over.

    A namespace that somebody made anew is another one: sockets stay in the one they were made in.
    """

    def __init__(self, handover: Handover) -> None:
        self._handover = handover
        self._open: dict[tuple[str, Place, int], OpenDoor] = {}

    def is_served(self, door_id: str) -> bool:
        """Whether who comes to the door is answered by the registry."""
        return any(
            key[0] == door_id and self._handover.is_served(door) for key, door in self._open.items()
        )

    def retain(self, wanted: Mapping[str, Place]) -> None:
        """Close all doors but these."""
        keep = _keys(wanted)
        for key in self._open.keys() - keep:
            door = self._open.pop(key)
            self._handover.withdraw(door.id)
            door.listening.close()

    async def open(self, wanted: Mapping[str, Place]) -> None:
        """Open those of the doors that are not; their addresses must be up."""
        for key in sorted(_keys(wanted) - self._open.keys(), key=lambda key: key[0]):
            door_id, place, _ = key
            listening = await asyncio.to_thread(
                network_namespace.listen, place.namespace, place.address, DOOR_PORT
            )
            door = self._open[key] = OpenDoor(door_id, place.instance_id, listening)
            self._handover.offer(door)

    def close(self) -> None:
        """Close all of them."""
        self.retain({})


def _keys(wanted: Mapping[str, Place]) -> frozenset[tuple[str, Place, int]]:
    found = (
        (door_id, place, network_namespace.identity(place.namespace))
        for door_id, place in wanted.items()
    )
    return frozenset((door, place, number) for door, place, number in found if number is not None)
