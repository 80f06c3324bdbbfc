"""The zone of a link: where its private name resolution is.

Each link with resolution switched on has a zone for the domain of all registries, bound to the
link's VPC alone, with one A record for each of its instance's names that is on. It comes with the
first of them and goes with the last. It is an ordinary zone otherwise: whoever changes its records by
hand changes what the VPC's pods see, and `DescribeInternalEndpointDnsStatus` calls that an error.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from towline.cloud.context import Resources
from towline.cloud.identifier import number_id, resource_id
from towline.cloud.privatedns.binding import witnesses
from towline.cloud.privatedns.service import subscription
from towline.cloud.privatedns.zone import removals
from towline.cloud.refusal import Refusal
from towline.resource.instance import Instance
from towline.resource.link import Link
from towline.resource.private_zone import PrivateZone, ZoneRecord
from towline.store.write import Delete, Write

_TTL = 10  # seconds: what is switched must soon be seen by those who remember answers


def zone_of_link(resources: Resources, link: Link) -> PrivateZone | None:
    """The zone of a link, if it has one."""
    for zone in resources.private_zones.list():
        if zone.link_instance_id == link.instance_id and zone.vpc_ids == (link.vpc_id,):
            return zone
    return None


def resolves(resources: Resources, link: Link, domain: str) -> bool:
    """Whether the domain means the link's access address in its VPC, as far as its zone says."""
    zone = zone_of_link(resources, link)
    if zone is None:
        return False
    said = [one.value for one in _records(resources, zone, domain) if one.enabled]
    return said == [link.access_ip]


def additions(
    resources: Resources, instance: Instance, link: Link, domains: Sequence[str], now: str
) -> list[Write]:
    """The writes that let domains of the instance mean the link's access address in its VPC;
    refused when the VPC is bound to somebody else's zone of the same domain.
    """
    writes = list[Write]()
    zone = zone_of_link(resources, link)
    if zone is None:
        zone = _new_zone(resources, instance, link, now)
        creation = resources.private_zones.creation("", zone.id, zone)
        writes += [*subscription(resources, now), *witnesses(resources, [link.vpc_id]), creation]
    else:
        touched = msgspec.structs.replace(zone, updated_at=now)
        writes.append(resources.private_zones.substitution("", zone.id, touched))
    for domain in domains:
        held = _records(resources, zone, domain)
        writes += [resources.zone_records.removal(zone.id, one.id) for one in held]
        record = _record(zone, link, domain, now)
        writes.append(resources.zone_records.creation(zone.id, record.id, record))
    return writes


def subtractions(resources: Resources, link: Link, domain: str) -> list[Delete]:
    """The writes that let a domain mean what it means to everybody; the zone goes with the last."""
    zone = zone_of_link(resources, link)
    if zone is None:
        return []
    gone = _records(resources, zone, domain)
    if link.resolve_default_domain or link.resolve_vpc_domain:
        return [resources.zone_records.removal(zone.id, one.id) for one in gone]
    return removals(resources, zone)


def withdrawals(resources: Resources, link: Link) -> list[Delete]:
    """The writes that remove the zone of a link which is about to go, if it has one."""
    zone = zone_of_link(resources, link)
    return [] if zone is None else removals(resources, zone)


def _new_zone(resources: Resources, instance: Instance, link: Link, now: str) -> PrivateZone:
    domain = instance.domain.partition(".")[2]
    for other in resources.private_zones.list():
        bound = link.vpc_id in other.vpc_ids and other.domain == domain
        if bound and not other.link_instance_id:
            raise Refusal(
                "InternalError.CreatePrivateZone",
                f"{link.vpc_id} is already bound to the private zone {other.id}, which has the same "
                f"domain {domain}: unbind it, or add the record to it.",
            )
    return PrivateZone(
        id=resource_id("zone"),
        domain=domain,
        vpc_ids=(link.vpc_id,),
        link_instance_id=instance.id,
        remark=f"access linkage of {instance.id} ({instance.name})",
        created_at=now,
        updated_at=now,
    )


def _record(zone: PrivateZone, link: Link, domain: str, now: str) -> ZoneRecord:
    return ZoneRecord(
        id=str(number_id(())),
        zone_id=zone.id,
        subdomain=domain.removesuffix(f".{zone.domain}"),
        type="A",
        value=link.access_ip,
        ttl=_TTL,
        created_at=now,
        updated_at=now,
    )


def _records(resources: Resources, zone: PrivateZone, domain: str) -> list[ZoneRecord]:
    subdomain = domain.removesuffix(f".{zone.domain}")
    records = resources.zone_records.list(zone.id)
    return [one for one in records if one.subdomain == subdomain and one.type == "A"]
