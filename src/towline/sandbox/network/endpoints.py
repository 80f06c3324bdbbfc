"""The life of public endpoints: a door in the internet, and the word that it is open; and the way back.

An endpoint is told of as open only when the registry answers at its door. Who may come to the door is
no business of the door: the internet's rules let nobody else through.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from towline.network.model import NetworkModel, is_open
from towline.network.name import Names
from towline.resource.public_endpoint import EndpointStatus, PublicEndpoint
from towline.sandbox.network.doors import Doors, Place
from towline.sandbox.network.records import Records, turn


class Endpoints:
    """Takes each public endpoint one step further."""

    def __init__(self, names: Names, records: Records, doors: Doors) -> None:
        self._names = names
        self._records = records
        self._doors = doors

    def places(self, model: NetworkModel) -> Mapping[str, Place]:
        """Where there are to be doors, by their ids."""
        return {
            _door_id(instance.id): Place(instance.id, self._names.internet, instance.public_address)
            for instance in model.instances
            if is_open(model.endpoint_of(instance.id))
        }

    async def announce(self) -> None:
        """Turn the endpoints `OPENED` whose doors are served."""
        for endpoint in self._records.public_endpoints.list():
            opens = endpoint.status is EndpointStatus.OPENING
            if opens and self._doors.is_served(_door_id(endpoint.instance_id)):
                await self._turn(endpoint, replace(endpoint, status=EndpointStatus.OPENED))

    async def close(self, built: NetworkModel) -> None:
        """Turn those `CLOSED` that were to go and have no door any more; their allowlists go, too."""
        for endpoint in built.public_endpoints:
            if endpoint.status is EndpointStatus.CLOSING:
                await self._turn(
                    endpoint, replace(endpoint, status=EndpointStatus.CLOSED, rules=())
                )

    async def _turn(self, seen: PublicEndpoint, into: PublicEndpoint) -> None:
        await turn(self._records.public_endpoints, "", seen.instance_id, seen, into)


def _door_id(instance_id: str) -> str:
    return f"{instance_id}/public"
