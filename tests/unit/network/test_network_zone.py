"""What names mean inside a VPC."""

from __future__ import annotations

from collections.abc import Sequence

import dns.name
import dns.rcode
import dns.rdatatype
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from towline.network.zone import Found, View, closed, private_zones, public_zones
from towline.resource.private_zone import PrivateZone, ZoneRecord

PUBLIC, PRIVATE = "198.18.0.10", "172.16.0.2"
SUFFIX = "tencentcloudcr.com"
NAME, OTHER, VPC_NAME = f"demo.{SUFFIX}", f"other.{SUFFIX}", f"demo-vpc.{SUFFIX}"
EVERYBODY = [(NAME, PUBLIC), (OTHER, PUBLIC)]


def private_zone(domain: str, number: int = 0, *, recursion: bool = True) -> PrivateZone:
    """A zone that is bound to one VPC."""
    return PrivateZone(
        id=f"zone-{number}",
        domain=domain,
        vpc_ids=("vpc-1",),
        recursion=recursion,
        created_at="",
        updated_at="",
    )


def record(subdomain: str, value: str, type_: str = "A", number: int = 0) -> ZoneRecord:
    """A record of a zone."""
    return ZoneRecord(
        id=f"{subdomain}-{value}",
        zone_id=f"zone-{number}",
        subdomain=subdomain,
        type=type_,
        value=value,
        mx=10,
        created_at="",
        updated_at="",
    )


def view(zones: Sequence[PrivateZone], records: Sequence[ZoneRecord]) -> View:
    """What a VPC sees that these zones are bound to, in a world without an uplink."""
    return View(private_zones(zones, records), closed(public_zones(EVERYBODY)))


def ask(seen: View, name: str, type_: str = "A") -> Found:
    """What is known of a name."""
    return seen.find(dns.name.from_text(name), dns.rdatatype.from_text(type_))


def said(seen: View, name: str, type_: str = "A") -> list[str]:
    """Everything in the answer, or what is said instead."""
    found = ask(seen, name, type_)
    nothing = found.apex is not None and not found.answer
    return [str(each) for one in found.answer for each in one] or (
        [dns.rcode.to_text(found.rcode)] if found.rcode else ["NODATA"] if nothing else []
    )


def test_a_record_takes_a_name_over_only_where_its_zone_is_bound() -> None:
    """Elsewhere the public address is the answer, and the VPC name does not exist."""
    zones = [private_zone(SUFFIX)]
    records = [record("demo", PRIVATE), record("demo-vpc", PRIVATE)]
    here, there = view(zones, records), view([], [])

    assert [said(here, name) for name in (NAME, VPC_NAME)] == [[PRIVATE], [PRIVATE]]
    assert [said(there, name) for name in (NAME, VPC_NAME)] == [[PUBLIC], ["NXDOMAIN"]]


def test_with_recursion_what_has_no_record_is_public() -> None:
    """So a link's zone leaves the other registries alone."""
    seen = view([private_zone(SUFFIX)], [record("demo", PRIVATE)])

    assert said(seen, OTHER) == [PUBLIC]
    assert said(seen, VPC_NAME) == ["NXDOMAIN"]
    assert said(seen, NAME, "AAAA") == ["NODATA"]


def test_without_recursion_a_zone_takes_all_its_names_away() -> None:
    """The trap: one's own registry resolves, all others do not exist any more."""
    seen = view([private_zone(SUFFIX, recursion=False)], [record("demo", PRIVATE)])
    found = ask(seen, OTHER)

    assert said(seen, NAME) == [PRIVATE]
    assert found.rcode == dns.rcode.NXDOMAIN
    assert found.apex == dns.name.from_text(SUFFIX)


def test_zones_of_one_domain_are_one() -> None:
    """Two links of a VPC have a zone each; who closes one closes both."""
    zones = [private_zone(SUFFIX, 0), private_zone(SUFFIX, 1)]
    records = [record("demo", PRIVATE), record("other", "172.16.0.3", number=1)]
    seen = view(zones, records)
    shut = view([zones[0], private_zone(SUFFIX, 1, recursion=False)], records)

    assert [said(seen, NAME), said(seen, OTHER)] == [[PRIVATE], ["172.16.0.3"]]
    assert said(shut, f"third.{SUFFIX}") == ["NXDOMAIN"]


def test_the_longest_domain_answers() -> None:
    """Also when it has nothing to say."""
    zones = [private_zone("corp"), private_zone("db.corp", 1, recursion=False)]
    records = [record("*", "10.0.0.1"), record("main", "10.0.0.2", number=1)]
    seen = view(zones, records)

    assert said(seen, "main.db.corp") == ["10.0.0.2"]
    assert said(seen, "mail.corp") == ["10.0.0.1"]
    assert said(seen, "second.db.corp") == ["NXDOMAIN"]


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        pytest.param("x.corp", ["10.0.0.1"], id="below"),
        pytest.param("x.y.corp", ["10.0.0.1"], id="far-below"),
        pytest.param("a.corp", ["10.0.0.2"], id="recorded"),
        pytest.param("x.a.corp", ["NXDOMAIN"], id="below-a-recorded-name"),
        pytest.param("b.corp", ["NODATA"], id="above-a-recorded-name"),
        pytest.param("x.b.corp", ["NXDOMAIN"], id="beside-a-recorded-name"),
        pytest.param("corp", ["NODATA"], id="the-domain"),
        pytest.param("*.corp", ["10.0.0.1"], id="itself"),
    ],
)
def test_a_star_stands_for_names_that_do_not_exist(name: str, answer: list[str]) -> None:
    """And only below the closest name that does (RFC 4592)."""
    records = [record("*", "10.0.0.1"), record("a", "10.0.0.2"), record("a.b", "10.0.0.3")]
    seen = view([private_zone("corp", recursion=False)], records)

    assert said(seen, name) == answer


def test_aliases_are_followed_into_other_zones() -> None:
    """Private ones and the public one; an alias itself can be asked for."""
    zones = [private_zone("corp"), private_zone("example.org", 1)]
    records = [
        record("hub", "registry.example.org.", "CNAME"),
        record("gone", "nothing.corp", "CNAME"),
        record("registry", NAME, "CNAME", 1),
    ]
    seen = view(zones, records)
    lost = ask(seen, "gone.corp")

    assert said(seen, "hub.corp") == ["registry.example.org.", f"{NAME}.", PUBLIC]
    assert said(seen, "hub.corp", "CNAME") == ["registry.example.org."]
    assert said(seen, "hub.corp", "AAAA") == ["registry.example.org.", f"{NAME}."]
    assert (lost.rcode, len(lost.answer)) == (dns.rcode.NXDOMAIN, 1)


def test_aliases_in_a_circle_are_given_up() -> None:
    """A client is told that the server has failed."""
    records = [record("a", "b.corp", "CNAME"), record("b", "a.corp", "CNAME")]

    assert said(view([private_zone("corp")], records), "a.corp") == ["SERVFAIL"]


@pytest.mark.parametrize(
    ("type_", "value", "answer"),
    [
        pytest.param("AAAA", "fd00::1", "fd00::1", id="aaaa"),
        pytest.param("MX", "mail.corp", "10 mail.corp.", id="mx"),
        pytest.param("TXT", 'v=spf1 "quoted"; all', '"v=spf1 \\"quoted\\"; all"', id="txt"),
        pytest.param("PTR", "host.corp.", "host.corp.", id="ptr"),
        pytest.param("SRV", "0 5 5060 sip.corp", "0 5 5060 sip.corp.", id="srv"),
    ],
)
def test_every_type_of_record_is_answered(type_: str, value: str, answer: str) -> None:
    """Names in values are whole, with or without their last dot."""
    seen = view([private_zone("corp")], [record("x", value, type_)])

    assert said(seen, "x.corp", type_) == [answer]


def test_several_records_of_a_name_are_one_answer() -> None:
    """And those that are switched off are none."""
    off = msgspec.structs.replace(record("x", "10.0.0.3"), enabled=False)
    seen = view([private_zone("corp")], [record("x", "10.0.0.1"), record("x", "10.0.0.2"), off])

    assert sorted(said(seen, "x.corp")) == ["10.0.0.1", "10.0.0.2"]


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        pytest.param(NAME.upper() + ".", [PUBLIC], id="case-and-last-dot"),
        pytest.param(SUFFIX, ["NODATA"], id="above-a-name"),
        pytest.param("com.", ["NODATA"], id="far-above-a-name"),
        pytest.param(".", ["NODATA"], id="root"),
        pytest.param(f"www.{NAME}", ["NXDOMAIN"], id="below-a-name"),
        pytest.param("example.org", ["NXDOMAIN"], id="outside"),
    ],
)
def test_names_that_do_not_exist_are_told_from_those_without_an_address(
    name: str, answer: list[str]
) -> None:
    """A name above an existing one exists (RFC 8020)."""
    assert said(view([], []), name) == answer


def test_what_nobody_here_knows_is_for_the_uplink() -> None:
    """If there is one; with the aliases that lead there. Public zones answer for their own."""
    zones, records = [private_zone("corp")], [record("hub", "hub.example.org", "CNAME")]
    seen = View(private_zones(zones, records), public_zones(EVERYBODY))
    found = ask(seen, "hub.corp")

    assert found.beyond == dns.name.from_text("hub.example.org")
    assert len(found.answer) == 1
    assert ask(seen, "nothing.corp").beyond == dns.name.from_text("nothing.corp")
    assert ask(seen, VPC_NAME).rcode == dns.rcode.NXDOMAIN


def test_a_customized_domain_takes_nothing_else_along() -> None:
    """The uplink is asked for its neighbours, as for all that is not ours."""
    seen = View({}, public_zones(EVERYBODY, [("hub.example.org", PUBLIC)]))

    assert said(seen, "hub.example.org") == [PUBLIC]
    assert said(seen, "x.hub.example.org") == ["NXDOMAIN"]
    assert ask(seen, "www.example.org").beyond == dns.name.from_text("www.example.org")


@given(labels=st.lists(st.binary(min_size=1, max_size=20), max_size=4))
def test_any_name_may_be_asked(labels: list[bytes]) -> None:
    """It is either answered or denied, never both."""
    seen = view([private_zone(SUFFIX), private_zone("corp", 1)], [record("*", PRIVATE, number=1)])
    found = seen.find(dns.name.Name([*labels, b""]), dns.rdatatype.A)

    assert (found.apex is None) == bool(found.answer)
