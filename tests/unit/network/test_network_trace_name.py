"""Which zone says what a name means, in a VPC and outside."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec.structs import replace as changed
from tests.unit.network.models import INSTANCE
from tests.unit.network.traces import WHOLE

from towline.network.model import NetworkModel
from towline.network.trace_name import INTERNET, Answerer, resolution
from towline.resource.custom_domain import CustomDomain, DomainStatus
from towline.resource.private_zone import PrivateZone, ZoneRecord

ACCESS_IP = "10.0.0.7"


def zone(number: int, domain: str, *vpc_ids: str) -> PrivateZone:
    """A private zone."""
    return PrivateZone(
        id=f"zone-{number}", domain=domain, vpc_ids=vpc_ids, created_at="", updated_at=""
    )


def record(number: int, subdomain: str, value: str, type_: str = "A") -> ZoneRecord:
    """A record of the zone with the same number."""
    return ZoneRecord(
        id=f"record-{number}-{subdomain}",
        zone_id=f"zone-{number}",
        subdomain=subdomain,
        type=type_,
        value=value,
        created_at="",
        updated_at="",
    )


LINKED = replace(
    WHOLE,
    private_zones=(zone(1, "tencentcloudcr.com", "vpc-0"),),
    zone_records=(record(1, "demo", ACCESS_IP),),
)
"""A registry whose name leads to its link in one VPC."""


def test_a_links_zone_answers_inside_its_vpc() -> None:
    """And the public zone everywhere else."""
    inside = resolution(LINKED, "vpc-0", INSTANCE.domain)
    elsewhere = resolution(LINKED, "vpc-1", INSTANCE.domain)

    assert (inside.addresses, inside.answerer) == ((ACCESS_IP,), Answerer.PRIVATE_ZONE)
    assert (inside.zone, inside.zone_ids) == ("tencentcloudcr.com", ("zone-1",))
    assert elsewhere.addresses == (INSTANCE.public_address,)
    assert (elsewhere.answerer, elsewhere.zone_ids) == (Answerer.PUBLIC_ZONE, ())


def test_the_resolver_of_the_internet_knows_no_private_zone() -> None:
    """Whoever asks it from inside the VPC is led to the public address."""
    found = resolution(LINKED, INTERNET, INSTANCE.domain)

    assert (found.addresses, found.answerer) == (
        (INSTANCE.public_address,),
        Answerer.PUBLIC_ZONE,
    )


def test_a_zone_without_recursion_hides_public_names() -> None:
    """It decides also about what it does not have."""
    closed = changed(LINKED.private_zones[0], recursion=False)
    model = replace(LINKED, private_zones=(closed,), zone_records=())
    hidden = resolution(model, "vpc-0", INSTANCE.domain)

    assert (hidden.addresses, hidden.code) == ((), "NXDOMAIN")
    assert (hidden.answerer, hidden.zone) == (Answerer.PRIVATE_ZONE, "tencentcloudcr.com")


def test_names_of_a_zone_with_recursion_that_have_no_record_are_public() -> None:
    """The zone says nothing of them."""
    model = replace(LINKED, zone_records=())
    found = resolution(model, "vpc-0", INSTANCE.domain)

    assert (found.addresses, found.answerer) == (
        (INSTANCE.public_address,),
        Answerer.PUBLIC_ZONE,
    )


def test_aliases_are_followed_to_the_zone_that_has_the_address() -> None:
    """Out of a private zone into the public one."""
    model = replace(
        WHOLE,
        private_zones=(zone(2, "corp.example", "vpc-0"),),
        zone_records=(record(2, "hub", f"{INSTANCE.domain}.", "CNAME"),),
    )
    found = resolution(model, "vpc-0", "HUB.corp.example")

    assert (found.addresses, found.aliases) == ((INSTANCE.public_address,), (INSTANCE.domain,))
    assert (found.answerer, found.zone) == (Answerer.PUBLIC_ZONE, "tencentcloudcr.com")


def test_a_customized_domain_is_public() -> None:
    """As long as it is not about to go."""
    domain = CustomDomain(
        instance_id=INSTANCE.id, name="hub.corp.example", certificate_id="", created_at=""
    )
    going = changed(domain, status=DomainStatus.DELETING)
    found = [
        resolution(replace(WHOLE, custom_domains=(one,)), "vpc-0", domain.name)
        for one in (domain, going)
    ]

    assert (found[0].addresses, found[0].zone) == ((INSTANCE.public_address,), domain.name)
    assert (found[1].addresses, found[1].answerer) == ((), Answerer.UPLINK)


@pytest.mark.parametrize("name", ["registry.example", "tencentcloudcr.example"])
def test_a_trace_leaves_unknown_names_to_the_uplink(name: str) -> None:
    """If there is one; the records do not say."""
    found = resolution(LINKED, "vpc-0", name)

    assert (found.addresses, found.answerer, found.zone) == ((), Answerer.UPLINK, "")


def test_what_is_no_name_is_refused() -> None:
    """A label has 63 bytes at most."""
    with pytest.raises(ValueError, match="is no name"):
        resolution(WHOLE, "vpc-0", f"{'x' * 64}.example")


def test_a_trace_takes_zones_of_one_domain_for_one() -> None:
    """As the links of a VPC to two registries make them."""
    model: NetworkModel = replace(
        LINKED,
        private_zones=(*LINKED.private_zones, zone(3, "tencentcloudcr.com", "vpc-0")),
        zone_records=(*LINKED.zone_records, record(3, "other", "10.0.0.8")),
    )
    found = resolution(model, "vpc-0", "other.tencentcloudcr.com")

    assert (found.addresses, found.zone_ids) == (("10.0.0.8",), ("zone-1", "zone-3"))
