"""Keeps the kernel as the records say: one look, one plan, one change after another.

Order matters: what is to go loses its sockets before its addresses, and its addresses before its
records; what comes has its address before its sockets, and both before anybody is told.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from towline.linux import network_namespace
from towline.linux.network_apply import apply
from towline.linux.network_seen import look
from towline.network.layout import layout
from towline.network.model import NetworkModel
from towline.network.name import Names, bridge, port
from towline.network.plan import plan, plug_in
from towline.network.topology import End
from towline.resource.vpc import AddressOwner
from towline.sandbox.network.addresses import Addresses
from towline.sandbox.network.bandwidth import Bandwidth
from towline.sandbox.network.doors import Doors
from towline.sandbox.network.endpoints import Endpoints
from towline.sandbox.network.gateways import Gateways
from towline.sandbox.network.links import Links
from towline.sandbox.network.records import Records
from towline.sandbox.network.resolvers import Resolvers


class Keeper:
    """Everything but the pods' own namespaces."""

    def __init__(
        self,
        names: Names,
        records: Records,
        addresses: Addresses,
        doors: Doors,
        resolvers: Resolvers,
    ) -> None:
        self.links = Links(records, addresses, doors)
        self.endpoints = Endpoints(names, records, doors)
        self.resolvers = resolvers
        self._gateways = Gateways(records)
        self._bandwidth = Bandwidth(names)
        self._names = names
        self._records = records
        self._addresses = addresses
        self._doors = doors
        self._subnets: frozenset[str] = frozenset()
        self._built = asyncio.Condition()

    async def converge(self) -> None:
        """Do what is missing; raises `Problem` or `OSError` where the machine refuses."""
        standing = await self.links.allot()
        network = replace(self._records.model(), links=standing.up)
        places = {**standing.places(self._names), **self.endpoints.places(network)}
        self._doors.retain(places)
        self.resolvers.retain()
        await self._shape(network)
        await self._bandwidth.shape(network)
        # Anew after the change: a router that somebody had removed is another one now.
        self._doors.retain(places)
        self.resolvers.retain()
        await self.resolvers.open()
        await self._doors.open(places)
        await self.links.forget(standing.going)
        await self.endpoints.close(network)
        await self._gateways.announce(network)
        await self.announce()
        async with self._built:
            self._subnets = frozenset(subnet.id for subnet in network.subnets)
            self._built.notify_all()

    async def built(self, subnet_id: str) -> None:
        """Wait until pods can be plugged into the subnet."""
        async with self._built:
            await self._built.wait_for(lambda: subnet_id in self._subnets)

    def close(self) -> None:
        """Let go of all sockets; the kernel stays as it is."""
        self.resolvers.close()
        self._doors.close()

    async def announce(self) -> None:
        """Tell of doors that are served."""
        await self.links.announce()
        await self.endpoints.announce()

    async def _shape(self, network: NetworkModel) -> None:
        wanted = layout(self._names, network)
        scope = frozenset(
            name
            for name in network_namespace.names(self._names.prefix)
            if self._names.uid(name) is None
        )
        seen = await look(scope | wanted.namespaces.keys())
        await apply((*plan(wanted, seen, scope=scope), *plug_in(self._ports(), seen)))

    def _ports(self) -> list[End]:
        """The routers' ends of the pods' wires."""
        return [
            End(self._names.router(claim.vpc_id), port(uid), bridge(claim.subnet_id))
            for uid, claim in self._addresses.all_of(AddressOwner.POD).items()
        ]
