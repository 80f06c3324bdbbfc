"""The name servers: one in every VPC, and one in the internet that sees only what is public.

Whoever asks the internet's server from inside a VPC, by a way that leads there, gets the public
addresses, also where private resolution is on: private zones are known to a VPC's own servers only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from towline.linux import network_namespace
from towline.network.address import RESOLVERS
from towline.network.name import Names
from towline.network.name_answer import Answers
from towline.network.zone import View, closed, customized, private_zones, public_zones
from towline.resource.private_zone import PrivateZone, ZoneRecord
from towline.sandbox.network.name_server import NameServer
from towline.sandbox.network.naming import Naming
from towline.sandbox.network.query_log import QueryLog, forget_others, path_of
from towline.sandbox.network.records import Records
from towline.sandbox.network.uplink import Uplink

INTERNET = "internet"
PUBLIC_RESOLVER = "198.18.0.53"


@dataclass(frozen=True, slots=True)
class _Basis:
    """What a view follows from."""

    public: tuple[tuple[str, str], ...]
    customized: tuple[tuple[str, str], ...]
    zones: tuple[PrivateZone, ...] = ()
    records: tuple[ZoneRecord, ...] = ()


class Resolvers:
    """One name server for each namespace that stands and is to have one.

    A namespace that was made anew by somebody else is another one: sockets stay in the one they
    were made in.
    """

    def __init__(self, names: Names, records: Records, naming: Naming) -> None:
        self._names = names
        self._records = records
        self._folder = naming.folder
        self._uplink = Uplink.parse(naming.uplink) if naming.uplink else None
        self._bases: Mapping[str, _Basis] = {}
        self._servers: dict[tuple[str, int], NameServer] = {}

    async def follow_zones(self) -> None:
        """Let the answers be what the records say now."""
        before, self._bases = self._bases, self._found()
        for (place, _), server in self._servers.items():
            if place in self._bases and self._bases[place] != before.get(place):
                server.answers = self._answers(place)

    async def open(self) -> None:
        """Serve wherever a namespace stands."""
        await self.follow_zones()
        if self._uplink is not None:
            await self._uplink.open()
        for place, identity in sorted(self._standing() - self._servers.keys()):
            server = NameServer(
                self._namespace(place),
                self._answers(place),
                QueryLog(path_of(self._folder, place)),
                self._uplink,
            )
            await server.open((PUBLIC_RESOLVER,) if place == INTERNET else RESOLVERS)
            self._servers[place, identity] = server

    def retain(self) -> None:
        """Serve no more where nothing is wanted or stands; what is gone for good leaves no log."""
        for place in self._servers.keys() - self._standing():
            self._servers.pop(place).close()
        forget_others(self._folder, {INTERNET, *(vpc.id for vpc in self._records.vpcs.list())})

    def close(self) -> None:
        """Serve nowhere."""
        for server in self._servers.values():
            server.close()
        self._servers.clear()
        if self._uplink is not None:
            self._uplink.close()

    def _found(self) -> dict[str, _Basis]:
        """What the records say of every VPC's names, and of the internet's."""
        instances = self._records.instances.list()
        public = tuple((one.domain, one.public_address) for one in instances)
        own = customized(self._records.custom_domains.list(), instances)
        zones = self._records.private_zones.list()
        by_zone = dict[str, list[ZoneRecord]]()
        for record in self._records.zone_records.list():
            by_zone.setdefault(record.zone_id, []).append(record)
        found = {INTERNET: _Basis(public, own)}
        for vpc in self._records.vpcs.list():
            bound = tuple(zone for zone in zones if vpc.id in zone.vpc_ids)
            records = tuple(record for zone in bound for record in by_zone.get(zone.id, ()))
            found[vpc.id] = _Basis(public, own, bound, records)
        return found

    def _answers(self, place: str) -> Answers:
        basis = self._bases[place]
        public = public_zones(basis.public, basis.customized)
        if self._uplink is None:
            public = closed(public)
        return Answers(View(private_zones(basis.zones, basis.records), public))

    def _standing(self) -> frozenset[tuple[str, int]]:
        """Where servers are to be and can be, and which namespace it is."""
        wanted = (INTERNET, *(vpc.id for vpc in self._records.vpcs.list()))
        found = ((one, network_namespace.identity(self._namespace(one))) for one in wanted)
        return frozenset((place, number) for place, number in found if number is not None)

    def _namespace(self, place: str) -> str:
        return self._names.internet if place == INTERNET else self._names.router(place)
