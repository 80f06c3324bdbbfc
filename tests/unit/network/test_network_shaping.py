"""Limits of the wires to the internet, from what the records say of gateways and addresses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.unit.network.models import elastic_ip, interface, nat_gateway, networks, subnet, vpc

from towline.network.egress import egresses
from towline.network.model import NetworkModel
from towline.network.name import eip_link, nat_link
from towline.network.shaping import UNBOUND, Limit, Side, limit_lines, limits

HOME = subnet(0, 0)
POD = interface(HOME, 0)
GATEWAY = nat_gateway(0, 0, 0, 1)
ADDRESSES = (elastic_ip(0, GATEWAY.id), elastic_ip(1, GATEWAY.id))


def of_gateway(bandwidth: int, *own: int) -> tuple[Limit, ...]:
    """The limits of a gateway whose addresses have these bandwidths of their own."""
    bound = tuple(replace(eip, bandwidth=one) for eip, one in zip(ADDRESSES, own, strict=True))
    gateway = replace(GATEWAY, bandwidth=bandwidth)
    return limits(NetworkModel(vpcs=(vpc(0),), nat_gateways=(gateway,), elastic_ips=bound))


def test_a_gateways_limit_is_on_its_wire() -> None:
    """And those of its addresses within it."""
    link = nat_link(GATEWAY.id)

    assert of_gateway(100, 0, 0) == (Limit("vpc-0", link, 100),)
    assert of_gateway(100, 10, 0) == (Limit("vpc-0", link, 100, (("198.19.0.10", 10),)),)
    assert of_gateway(0, 0, 10) == (Limit("vpc-0", link, 0, (("198.19.0.11", 10),)),)
    assert of_gateway(0, 0, 0) == ()


@pytest.mark.parametrize("bandwidth", [0, 10])
def test_a_pods_address_has_its_limit_on_its_own_wire(bandwidth: int) -> None:
    """None without a bandwidth."""
    eip = replace(elastic_ip(0, POD.id, POD.private_ip), bandwidth=bandwidth)
    model = NetworkModel(vpcs=(vpc(0),), subnets=(HOME,), interfaces=(POD,), elastic_ips=(eip,))
    wanted = (Limit("vpc-0", eip_link("eip-0", POD.id), 10),) if bandwidth else ()

    assert limits(model) == wanted


@given(networks())
def test_limits_are_on_wires_that_there_are(model: NetworkModel) -> None:
    """Of the same VPC, and with addresses that leave by them."""
    wires = {(way.vpc_id, way.link): way.addresses for way in egresses(model)}

    for limit in limits(model):
        addresses = wires[limit.vpc_id, limit.link]
        assert {address for address, _ in limit.shares} <= set(addresses)


@given(
    total=st.integers(0, 5000),
    shares=st.lists(st.integers(1, 5000), max_size=20),
)
def test_what_is_assured_to_all_is_not_more_than_there_is(total: int, shares: list[int]) -> None:
    """Nor may any of them go beyond its own limit, or that of all."""
    limit = Limit("vpc-0", "n-1", total, tuple((f"198.19.0.{n}", s) for n, s in enumerate(shares)))
    lines = [line.split() for line in limit_lines(limit, Side.OUT) if line.startswith("class")]
    rates = [
        tuple(int(line[line.index(word) + 1][:-4]) for word in ("rate", "ceil")) for line in lines
    ]
    (whole, _), *parts = rates

    assert whole == (total or UNBOUND)
    assert all(rate <= ceil <= whole for rate, ceil in parts)
    assert [ceil for _, ceil in parts[1:]] == [min(share, whole) for share in shares]
    assert sum(rate for rate, _ in parts) <= max(whole, len(parts))
