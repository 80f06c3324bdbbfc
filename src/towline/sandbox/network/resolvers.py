"""The name servers of all VPCs, and what each answers."""

from __future__ import annotations

from collections.abc import Mapping

from towline.linux import network_namespace
from towline.network.name import Names
from towline.network.name_answer import Answers
from towline.network.zone import Zone, zone_of
from towline.sandbox.network.name_server import NameServer
from towline.sandbox.network.records import Records


class Resolvers:
    """One name server for each router that stands.

    A router that was made anew by somebody else is another one: sockets stay in the namespace they
    were made in.
    """

    def __init__(self, names: Names, records: Records) -> None:
        self._names = names
        self._records = records
        self._zones: Mapping[str, Zone] = {}
        self._servers: dict[tuple[str, int], NameServer] = {}

    async def follow_zones(self) -> None:
        """Let the answers be what the records say now."""
        instances, links = self._records.instances.list(), self._records.links.list()
        vpcs = self._records.vpcs.list()
        zones = {vpc.id: zone_of(vpc.id, instances, links) for vpc in vpcs}
        for (vpc_id, _), server in self._servers.items():
            if vpc_id in zones and zones[vpc_id] != self._zones.get(vpc_id):
                server.answers = Answers(zones[vpc_id])
        self._zones = zones

    async def open(self) -> None:
        """Serve in every router that stands."""
        await self.follow_zones()
        standing = self._routers()
        for place in sorted(standing - self._servers.keys()):
            vpc_id, _ = place
            server = NameServer(self._names.router(vpc_id), Answers(self._zones[vpc_id]))
            await server.open()
            self._servers[place] = server

    def retain(self) -> None:
        """Serve no more where no router is wanted or stands."""
        standing = self._routers()
        for place in self._servers.keys() - standing:
            self._servers.pop(place).close()

    def close(self) -> None:
        """Serve nowhere."""
        for server in self._servers.values():
            server.close()
        self._servers.clear()

    def _routers(self) -> frozenset[tuple[str, int]]:
        """VPCs that are wanted and have a router, and which namespace it is."""
        found = ((vpc.id, self._identity(vpc.id)) for vpc in self._records.vpcs.list())
        return frozenset((vpc_id, identity) for vpc_id, identity in found if identity is not None)

    def _identity(self, vpc_id: str) -> int | None:
        return network_namespace.identity(self._names.router(vpc_id))
