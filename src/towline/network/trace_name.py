"""Which address a name means somewhere, and which zone says so.

The answer is the one that the resolvers give: they look in the same `View`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import dns.exception
import dns.rcode
import dns.rdatatype
from dns.name import Name, from_text

from towline.network.model import NetworkModel
from towline.network.zone import Found, View, Zone, customized, private_zones, public_zones

INTERNET = ""
"""In place of a VPC: what the resolver of the internet says, which knows no private zone."""


class Answerer(StrEnum):
    """Who decides what a name means."""

    PRIVATE_ZONE = "private-zone"
    PUBLIC_ZONE = "public-zone"
    UPLINK = "uplink"
    """The host's own resolver, where the agent has been given one; otherwise there is no such name."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a name means."""

    name: str
    addresses: tuple[str, ...]
    """Empty when there is no such name, or it has no address, or only the uplink may know."""
    code: str
    """`NOERROR`, `NXDOMAIN` or `SERVFAIL`."""
    answerer: Answerer
    zone: str
    """The domain of the zone that decides; empty for the uplink."""
    zone_ids: tuple[str, ...] = ()
    """The private zones of that domain: several when links to several registries made one each."""
    aliases: tuple[str, ...] = ()
    """The names that it stands for, one after another."""


def resolution(model: NetworkModel, vpc_id: str, name: str) -> Resolution:
    """What a name means inside a VPC, or in the internet; raises `ValueError` when it is none."""
    view = _view(model, vpc_id)
    try:
        asked = from_text(name.lower())
        found = view.find(asked, dns.rdatatype.A)
    except dns.exception.DNSException as error:
        raise ValueError(f"{name!r} is no name: {error}") from error
    aliases = _aliases(found)
    answerer, zone = _decider(view, aliases[-1] if aliases else asked)
    domain = "" if zone is None else _text(zone.apex)
    return Resolution(
        name=name,
        addresses=_addresses(found),
        code=dns.rcode.to_text(found.rcode),
        answerer=answerer,
        zone=domain,
        zone_ids=_ids(model, vpc_id, domain) if answerer is Answerer.PRIVATE_ZONE else (),
        aliases=tuple(map(_text, aliases)),
    )


def _view(model: NetworkModel, vpc_id: str) -> View:
    bound = {zone.id: zone for zone in model.private_zones if vpc_id in zone.vpc_ids}
    records = [record for record in model.zone_records if record.zone_id in bound]
    public = public_zones(
        ((one.domain, one.public_address) for one in model.instances),
        customized(model.custom_domains, model.instances),
    )
    return View(private_zones(bound.values(), records), public)


def _aliases(found: Found) -> tuple[Name, ...]:
    return tuple(one[0].target for one in found.answer if one.rdtype == dns.rdatatype.CNAME)


def _addresses(found: Found) -> tuple[str, ...]:
    addresses = (one for one in found.answer if one.rdtype == dns.rdatatype.A)
    return tuple(rdata.address for rrset in addresses for rdata in rrset)


def _decider(view: View, name: Name) -> tuple[Answerer, Zone | None]:
    """The zone with the longest domain that has something to say, private ones first."""
    private = _enclosing(view.private.values(), name)
    if private is not None and (private.node(name) or not private.recursion):
        return Answerer.PRIVATE_ZONE, private
    public = _enclosing(view.public.values(), name)
    return (Answerer.UPLINK, None) if public is None else (Answerer.PUBLIC_ZONE, public)


def _enclosing(zones: Iterable[Zone], name: Name) -> Zone | None:
    fitting = [zone for zone in zones if name.is_subdomain(zone.apex)]
    return max(fitting, key=lambda zone: len(zone.apex), default=None)


def _ids(model: NetworkModel, vpc_id: str, domain: str) -> tuple[str, ...]:
    bound = (zone for zone in model.private_zones if vpc_id in zone.vpc_ids)
    return tuple(zone.id for zone in bound if zone.domain == domain)


def _text(name: Name) -> str:
    return name.to_text(omit_final_dot=True)
