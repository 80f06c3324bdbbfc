"""Where packets go, and what stops them, as the records have it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as changed
from tests.unit.network.models import (
    INSTANCE,
    elastic_ip,
    nat_gateway,
    networks,
    route,
    route_table,
    subnet,
    vpc,
)
from tests.unit.network.traces import (
    EIP,
    EXCHANGED,
    NEIGHBOUR,
    OMISSIONS,
    OTHER_EIP,
    POD,
    TO_GATEWAY,
    WHOLE,
    endpoint,
    sent,
)

from towline.network.address import RESOLVERS, gateway
from towline.network.model import NetworkModel
from towline.network.trace import trace
from towline.network.trace_hop import Act, Packet, Place, Reach
from towline.network.trace_security import Protocol
from towline.network.trace_stop import EXPLANATIONS, Stop
from towline.resource.elastic_ip import ElasticIpStatus
from towline.resource.link import Link
from towline.resource.route_table import GatewayType

ACCESS_IP = "10.0.0.7"


def test_the_recipe_leads_to_the_public_endpoint() -> None:
    """And every hop says what it does, and with which addresses the packet leaves it."""
    found = sent(WHOLE)
    told = [(hop.place, hop.id, hop.act, hop.sources) for hop in found.hops]

    assert (found.reach, found.stop) == (Reach.ALWAYS, None)
    assert told == [
        (Place.INTERFACE, POD.id, Act.SENT, (POD.private_ip,)),
        (Place.ROUTE_TABLE, "rtb-v0n0", Act.ROUTED, (POD.private_ip,)),
        (Place.NAT_GATEWAY, "nat-v0n0", Act.TRANSLATED, (EIP.address,)),
        (Place.PUBLIC_ENDPOINT, INSTANCE.id, Act.DELIVERED, (EIP.address,)),
    ]
    assert found.hops[1].by == "0.0.0.0/0 by NAT nat-v0n0"


@pytest.mark.parametrize(("model", "stop"), OMISSIONS.values(), ids=OMISSIONS)
def test_each_omission_is_named(model: NetworkModel, stop: Stop) -> None:
    """That one and no other."""
    found = sent(model)

    assert (found.reach, found.stop) == (Reach.NEVER, stop)
    assert found.hops[-1].act is Act.DROPPED


def test_a_mended_allowlist_does_not_mind_its_old_entries() -> None:
    """Nor does it matter that they are old."""
    both = endpoint(f"{EIP.address}/32", f"{OTHER_EIP.address}/32")

    assert sent(replace(EXCHANGED, public_endpoints=(both,))).reach is Reach.ALWAYS


def test_everybody_is_admitted_by_the_widest_range() -> None:
    """But only to the door."""
    model = replace(WHOLE, public_endpoints=(endpoint("0.0.0.0/0"),))

    assert sent(model).reach is Reach.ALWAYS
    assert sent(model, port=80).stop is Stop.PORT_NOT_PUBLIC
    assert sent(model, port=0, protocol=Protocol.ICMP).stop is Stop.PORT_NOT_PUBLIC


def test_a_gateway_with_two_addresses_reaches_sometimes_where_one_is_admitted() -> None:
    """And it says which one is not."""
    both = (elastic_ip(0, "nat-v0n0"), elastic_ip(1, "nat-v0n0"))
    model = replace(WHOLE, nat_gateways=(nat_gateway(0, 0, 0, 1),), elastic_ips=both)
    found = sent(model)

    assert (found.reach, found.stop) == (Reach.SOMETIMES, Stop.NOT_ON_ALLOWLIST)
    assert found.hops[-2].sources == (OTHER_EIP.address,)
    assert found.hops[-1].sources == (EIP.address,)


def test_subnets_go_by_their_own_tables() -> None:
    """The neighbour's way is not one's own."""
    other = changed(subnet(0, 1), route_table_id="rtb-v0n1")
    model = replace(WHOLE, subnets=(subnet(0, 0), other))
    packet = Packet(subnet_id=other.id, destination=INSTANCE.public_address)

    assert trace(model, packet).stop is Stop.TABLE_NOT_ASSOCIATED
    assert sent(model).reach is Reach.ALWAYS


def test_vpcs_with_the_same_range_have_links_of_their_own() -> None:
    """What is a link's address in one is nobody's in the other."""
    link = Link(
        instance_id=INSTANCE.id,
        vpc_id="vpc-1",
        subnet_id=subnet(1, 0).id,
        access_ip=ACCESS_IP,
        created_at="",
    )
    model = replace(
        WHOLE, vpcs=(vpc(0), vpc(1)), subnets=(*WHOLE.subnets, subnet(1, 0)), links=(link,)
    )
    there = trace(model, Packet(subnet_id=subnet(1, 0).id, destination=ACCESS_IP))

    assert (there.reach, there.hops[-1].place) == (Reach.ALWAYS, Place.LINK)
    assert sent(model, ACCESS_IP).stop is Stop.NOBODY_THERE


@pytest.mark.parametrize(
    ("destination", "port", "stop"),
    [
        pytest.param(NEIGHBOUR.private_ip, 8080, None, id="a-neighbour"),
        pytest.param(POD.private_ip, 8080, None, id="itself"),
        pytest.param("10.0.0.99", 8080, Stop.NOBODY_THERE, id="nobody-in-the-subnet"),
        pytest.param("10.0.77.1", 8080, Stop.NOBODY_THERE, id="in-no-subnet"),
        pytest.param("10.16.3.4", 5000, None, id="the-data-centre"),
        pytest.param(RESOLVERS[0], 53, None, id="a-resolver"),
        pytest.param(RESOLVERS[0], 80, Stop.PORT_NOT_SERVED, id="a-resolver's-other-port"),
        pytest.param(gateway("10.0.0.0/24"), 443, Stop.PORT_NOT_SERVED, id="the-router"),
        pytest.param("198.18.77.1", 80, None, id="somebody-in-the-internet"),
        pytest.param("203.0.113.9", 80, Stop.ONLY_BY_UPLINK, id="beyond-the-internet"),
        pytest.param(EIP.address, 443, Stop.NAT_IS_NO_WAY_IN, id="a-gateway's-address"),
        pytest.param(OTHER_EIP.address, 443, Stop.NOBODY_THERE, id="an-unbound-address"),
    ],
)
def test_every_address_is_somewhere_or_nowhere(
    destination: str, port: int, stop: Stop | None
) -> None:
    """Inside the VPC, beside it, or out by the gateway."""
    assert sent(WHOLE, destination, port).stop is stop


def test_a_pods_own_address_leads_out_without_a_gateway() -> None:
    """Also before it is said to be bound; not any more while it is taken away."""
    own = changed(elastic_ip(0, POD.id, POD.private_ip), status=ElasticIpStatus.BINDING)
    model = replace(
        WHOLE, route_tables=(route_table(0, 0),), nat_gateways=(), elastic_ips=(own, OTHER_EIP)
    )
    going = replace(model, elastic_ips=(changed(own, status=ElasticIpStatus.UNBINDING), OTHER_EIP))

    assert [hop.place for hop in sent(model).hops] == [
        Place.INTERFACE,
        Place.ELASTIC_IP,
        Place.PUBLIC_ENDPOINT,
    ]
    assert sent(going).stop is Stop.NO_NAT_GATEWAY


def test_a_trace_prefers_a_route_to_a_gateway_to_a_pods_own_address() -> None:
    """A longer one of type EIP comes before that."""
    own = elastic_ip(1, POD.id, POD.private_ip)
    model = replace(WHOLE, elastic_ips=(elastic_ip(0, "nat-v0n0"), own))
    longer = changed(route("198.18.0.10/32", GatewayType.EIP, "0"), id=2)
    direct = replace(model, route_tables=(route_table(0, 0, TO_GATEWAY, longer),))

    assert sent(model).hops[-1].sources == (EIP.address,)
    assert sent(direct).hops[-1].sources == (OTHER_EIP.address,)
    assert sent(replace(direct, elastic_ips=())).stop is Stop.NO_ADDRESS_OF_ITS_OWN


def test_a_trace_follows_a_route_to_a_machine_of_the_vpc() -> None:
    """If there is one, and if it is another."""
    there = route("203.0.113.0/24", GatewayType.NORMAL_CVM, NEIGHBOUR.private_ip)
    nowhere = changed(route("203.0.113.7/32", GatewayType.NORMAL_CVM, "10.0.0.99"), id=2)
    back = changed(route("203.0.113.9/32", GatewayType.NORMAL_CVM, POD.private_ip), id=3)
    model = replace(WHOLE, route_tables=(route_table(0, 0, there, nowhere, back),))
    found = sent(model, "203.0.113.8", 80)

    assert (found.stop, found.hops[-1].id) == (None, NEIGHBOUR.id)
    assert sent(model, "203.0.113.7", 80).stop is Stop.NEXT_HOP_MISSING
    assert sent(model, "203.0.113.9", 80).stop is Stop.ROUTE_LEADS_BACK


def test_every_stop_is_explained() -> None:
    """With what to do about it."""
    assert EXPLANATIONS.keys() == set(Stop)
    assert all(one.cause and one.remedy for one in EXPLANATIONS.values())


DESTINATIONS = st.sampled_from(
    [
        *(INSTANCE.public_address, "198.18.77.1", EIP.address, OTHER_EIP.address, "203.0.113.1"),
        *("10.0.0.20", "10.0.1.7", "10.0.9.9", "10.16.0.1", RESOLVERS[0]),
    ]
)


@given(networks(), DESTINATIONS, st.sampled_from([53, 443, 8080]))
def test_every_packet_ends_somewhere(model: NetworkModel, destination: str, port: int) -> None:
    """It arrives or is dropped, and never both; what is dropped has a reason."""
    for one in model.subnets:
        source = one.cidr.replace("0/24", "20")
        found = trace(
            model,
            Packet(subnet_id=one.id, source=source, destination=destination, port=port),
        )
        last = found.hops[-1].act

        assert last in {Act.DELIVERED, Act.DROPPED}
        assert (found.stop is None) == all(hop.act is not Act.DROPPED for hop in found.hops)
        assert (found.reach is Reach.NEVER) == (last is Act.DROPPED)


@given(networks(), DESTINATIONS)
def test_more_on_the_allowlist_never_reaches_less(model: NetworkModel, destination: str) -> None:
    """Opening a door shuts out nobody."""
    order = [Reach.NEVER, Reach.SOMETIMES, Reach.ALWAYS]
    wide = replace(model, public_endpoints=(endpoint("0.0.0.0/0"),))
    for one in model.subnets:
        packet = Packet(
            subnet_id=one.id, source=one.cidr.replace("0/24", "20"), destination=destination
        )

        before, after = trace(model, packet).reach, trace(wide, packet).reach
        assert order.index(before) <= order.index(after)


def test_an_entry_for_a_former_address_is_named() -> None:
    """It is what has to be replaced."""
    assert sent(EXCHANGED).hops[-1].by == EIP.address


def test_nothing_is_traced_from_a_subnet_that_is_not_there() -> None:
    """It is no packet of this network."""
    with pytest.raises(LookupError):
        trace(WHOLE, Packet(subnet_id="subnet-no", destination="198.18.0.10"))
