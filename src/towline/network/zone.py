"""What names mean inside a VPC, and in the internet.

A name is looked for in this order, as the cloud's resolver does:

1. The private zone with the longest domain that the name is in, among those bound to the VPC. What has a
   record there is answered from there. What has none is looked up publicly if the zone's recursion
   is on; if it is off it does not exist. (So a zone for the domain of all registries with recursion
   off takes all other registries away from the VPC.)
2. The public zones: the default domains of the instances, with their public addresses; and their
   customized domains, which a company would have to put into its own public DNS.
3. The uplink, if there is one, for whatever is in neither; without it, it does not exist.

A link's resolution is a private zone, too: its record makes the instance's name mean the access
address. Aliases are followed through all of this. `*` stands for names that do not exist (RFC 4592).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import dns.name
import dns.rcode
import dns.rdata
import dns.rdataset
import dns.rdatatype
import dns.rrset
from dns.name import Name
from dns.rcode import Rcode
from dns.rdatatype import RdataType

from towline.network.zone_record import owner_of, rdata_of
from towline.resource.custom_domain import CustomDomain, DomainStatus
from towline.resource.instance import Instance
from towline.resource.private_zone import PrivateZone, ZoneRecord

TTL = 10  # seconds: a public endpoint's name must soon be seen anew by those who remember answers
_ALIASES = 16  # of one name, before it is taken for a circle
_WILD = b"*"
ROOT = dns.name.root
_PUBLISHED = {DomainStatus.CREATING, DomainStatus.SUCCESS}

Node = Mapping[RdataType, dns.rdataset.Rdataset]
"""What is said of one name, by type. Empty for a name that only longer ones make exist."""
Said = tuple[Name, int, dns.rdata.Rdata]
"""A name, for how many seconds it may be remembered, and what is said of it."""


@dataclass(frozen=True, slots=True)
class Zone:
    """All names below a domain that exist, and what is said of them."""

    apex: Name
    nodes: Mapping[Name, Node]
    recursion: bool = False

    def node(self, name: Name) -> Node | None:
        """What is said of a name; None when it does not exist."""
        exact = self.nodes.get(name)
        if exact is not None:
            return exact
        above = name.parent()
        while above not in self.nodes:
            above = above.parent()
        return self.nodes.get(Name((_WILD, *above.labels)))


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of a name and a type."""

    rcode: Rcode = dns.rcode.NOERROR
    answer: tuple[dns.rrset.RRset, ...] = ()
    apex: Name | None = None
    """The zone that says there is nothing; None when there is something, or nobody knows."""
    beyond: Name | None = None
    """The name that the uplink must be asked for; what is in `answer` leads there."""


@dataclass(frozen=True, slots=True)
class View:
    """What somebody sees who asks in one place."""

    private: Mapping[Name, Zone]
    public: Mapping[Name, Zone]

    def find(self, name: Name, wanted: RdataType) -> Found:
        """What is known, with all aliases on the way there."""
        answer = list[dns.rrset.RRset]()
        while len(answer) < _ALIASES:
            zone, node = self._place(name)
            if zone is None:
                return Found(answer=tuple(answer), beyond=name)
            if node is None:
                return Found(dns.rcode.NXDOMAIN, tuple(answer), zone.apex)
            alias = node.get(dns.rdatatype.CNAME)
            if alias is None or wanted in {dns.rdatatype.CNAME, dns.rdatatype.ANY}:
                said = [*answer, *_matching(zone, name, node, wanted)]
                nothing = len(said) == len(answer)
                return Found(answer=tuple(said), apex=zone.apex if nothing else None)
            answer.append(_rrset(name, alias))
            name = alias[0].target
        return Found(dns.rcode.SERVFAIL)

    def names(self) -> frozenset[Name]:
        """All names that have an answer of their own."""
        zones = (*self.private.values(), *self.public.values())
        return frozenset(name for zone in zones for name in zone.nodes)

    def _place(self, name: Name) -> tuple[Zone | None, Node | None]:
        private = _enclosing(self.private, name)
        if private is not None:
            node = private.node(name)
            if node or not private.recursion:
                return private, node
        public = _enclosing(self.public, name)
        return public, None if public is None else public.node(name)


def zone_of(apex: Name, said: Iterable[Said], *, recursion: bool = False) -> Zone:
    """A zone in which this is said, and nothing else."""
    nodes = dict[Name, dict[RdataType, dns.rdataset.Rdataset]]({apex: {}})
    for name, ttl, rdata in said:
        above = name
        while above not in nodes:
            nodes[above] = {}
            above = above.parent()
        fresh = dns.rdataset.Rdataset(rdata.rdclass, rdata.rdtype)
        nodes[name].setdefault(rdata.rdtype, fresh).add(rdata, ttl)
    return Zone(apex, nodes, recursion)


def private_zones(zones: Iterable[PrivateZone], records: Iterable[ZoneRecord]) -> dict[Name, Zone]:
    """What is seen where these zones are bound. Zones of the same domain, as the links of a VPC make
    them, are one.
    """
    zones = tuple(zones)
    apexes = {one.id: _name(one.domain) for one in zones}
    said: dict[Name, list[Said]] = {apex: [] for apex in apexes.values()}
    for record in records:
        if record.enabled:
            apex = apexes[record.zone_id]
            said[apex].append((owner_of(record, apex), record.ttl, rdata_of(record)))
    closed_ = {_name(one.domain) for one in zones if not one.recursion}
    return {apex: zone_of(apex, rest, recursion=apex not in closed_) for apex, rest in said.items()}


def public_zones(
    names: Iterable[tuple[str, str]], alone: Iterable[tuple[str, str]] = ()
) -> dict[Name, Zone]:
    """What everybody sees: the domains of the instances, with their public addresses.

    Domains in `alone` are zones of their own: what else there is beside them is not known here.
    """
    said = dict[Name, list[Said]]()
    for domain, address in alone:
        name = _name(domain)
        said.setdefault(name, []).append((name, TTL, _address(address)))
    for domain, address in names:
        name = _name(domain)
        said.setdefault(name.parent(), []).append((name, TTL, _address(address)))
    return {apex: zone_of(apex, rest) for apex, rest in said.items()}


def customized(
    domains: Iterable[CustomDomain], instances: Iterable[Instance]
) -> tuple[tuple[str, str], ...]:
    """The customized domains that everybody sees, with the public addresses of their instances."""
    addresses = {one.id: one.public_address for one in instances}
    return tuple(
        (one.name, addresses[one.instance_id])
        for one in domains
        if one.instance_id in addresses and one.status in _PUBLISHED
    )


def closed(zones: Mapping[Name, Zone]) -> dict[Name, Zone]:
    """The same zones in a world that has nothing else: nobody else is asked."""
    above = {Name(apex.labels[first:]) for apex in zones for first in range(1, len(apex.labels))}
    return {ROOT: Zone(ROOT, {name: {} for name in (ROOT, *above)}), **zones}


@lru_cache(64)
def authority(apex: Name) -> dns.rrset.RRset:
    """What a zone says of itself; the values are those of RFC 6303, 3, for zones served locally.

    The last is how long others may remember that a name does not exist (RFC 2308).
    """
    said = f"{apex} nobody.invalid. 1 3600 1200 604800 {TTL}"
    return dns.rrset.from_text(apex, TTL, "IN", "SOA", said)


def _matching(held: Zone, name: Name, node: Node, wanted: RdataType) -> list[dns.rrset.RRset]:
    every = wanted == dns.rdatatype.ANY
    chosen = [_rrset(name, one) for type_, one in node.items() if every or type_ == wanted]
    if (every or wanted == dns.rdatatype.SOA) and name == held.apex:
        chosen.append(dns.rrset.from_rdata(name, TTL, authority(name)[0]))
    return chosen


def _rrset(name: Name, held: dns.rdataset.Rdataset) -> dns.rrset.RRset:
    return dns.rrset.from_rdata_list(name, held.ttl, list(held))


def _enclosing(zones: Mapping[Name, Zone], name: Name) -> Zone | None:
    """The zone with the longest domain that the name is in."""
    for first in range(len(name.labels)):
        held = zones.get(Name(name.labels[first:]))
        if held is not None:
            return held
    return None


def wire_of(name: Name) -> bytes:
    """The name as it goes over the wire, in lower case."""
    wire = name.canonicalize().to_wire()
    assert wire is not None  # it is, only when it was written into something else
    return wire


def _name(domain: str) -> Name:
    return dns.name.from_text(domain.lower())


def _address(text: str) -> dns.rdata.Rdata:
    return dns.rdata.from_text("IN", "A", text)
