"""Addresses of a subnet are given out one by one, the reserved ones never."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towline.network.address import TRANSIT, allot, gateway, transit_addresses

subnets = st.builds(
    lambda number, length: str(IPv4Network((number, length), strict=False)),
    st.integers(0x0A000000, 0x0AFFFFFF),
    st.integers(24, 29),
)


@given(cidr=subnets)
def test_a_subnet_gives_each_address_once_and_keeps_three(cidr: str) -> None:
    """The network's, the router's and the broadcast address are nobody's."""
    taken = set[str]()
    while (address := allot(cidr, taken)) is not None:
        assert address not in taken
        taken.add(address)

    network = IPv4Network(cidr)
    kept = {str(network[0]), gateway(cidr), str(network[-1])}
    assert not taken & kept
    assert len(taken) == network.num_addresses - 3


@given(cidr=subnets, data=st.data())
def test_a_freed_address_is_given_again(cidr: str, data: st.DataObject) -> None:
    """The lowest free one comes first."""
    hosts = [str(host) for host in IPv4Network(cidr).hosts()][1:]
    free = data.draw(st.sets(st.sampled_from(hosts), min_size=1))

    assert allot(cidr, set(hosts) - free) == min(free, key=IPv4Address)


@pytest.mark.parametrize(("cidr", "first"), [("172.16.0.0/24", "172.16.0.2")], ids=["a-24"])
def test_the_first_address_for_a_pod_comes_after_the_routers(cidr: str, first: str) -> None:
    """`.1` is the gateway's."""
    assert gateway(cidr) == "172.16.0.1"
    assert allot(cidr, ()) == first


@given(ids=st.sets(st.from_regex(r"vpc-[a-z0-9]{8}", fullmatch=True), max_size=40))
def test_every_vpc_has_a_transit_address_of_its_own(ids: set[str]) -> None:
    """None is the data centre's or outside the range."""
    chosen = transit_addresses(ids)

    assert chosen.keys() == ids
    assert len(set(chosen.values())) == len(ids)
    assert all(IPv4Address(address) in TRANSIT for address in chosen.values())
    assert not {str(TRANSIT[0]), str(TRANSIT[1]), str(TRANSIT[-1])} & set(chosen.values())


@given(ids=st.sets(st.from_regex(r"vpc-[a-z0-9]{8}", fullmatch=True), max_size=20))
def test_transit_addresses_do_not_depend_on_the_order_of_the_vpcs(ids: set[str]) -> None:
    """So a restarted agent wants what it wanted before."""
    assert transit_addresses(sorted(ids)) == transit_addresses(sorted(ids, reverse=True))
