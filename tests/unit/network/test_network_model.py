"""What the records say of the network: who is where, and what fits what."""

from __future__ import annotations

from msgspec.structs import replace
from tests.unit.network.models import (
    INSTANCE,
    elastic_ip,
    interface,
    nat_gateway,
    route,
    route_table,
    subnet,
    vpc,
)

from towline.network.model import NetworkModel, admits, best_route, is_open
from towline.resource.elastic_ip import ElasticIpStatus
from towline.resource.nat_gateway import NatState
from towline.resource.public_endpoint import AccessRule, EndpointStatus, PublicEndpoint
from towline.resource.route_table import GatewayType

WIDE = route("0.0.0.0/0", GatewayType.NAT, "nat-wide")
NARROW = route("198.18.0.0/16", GatewayType.NAT, "nat-narrow")


def test_of_the_routes_that_fit_the_longest_counts() -> None:
    """Whatever their order; those that are switched off do not count."""
    for routes in ((WIDE, NARROW), (NARROW, WIDE)):
        assert best_route(routes, "198.18.0.10") == NARROW
        assert best_route(routes, "198.19.0.10") == WIDE
    off = replace(NARROW, enabled=False)

    assert best_route((WIDE, off), "198.18.0.10") == WIDE
    assert best_route((NARROW,), "203.0.113.1") is None


def test_a_subnet_without_a_table_of_its_own_has_the_main_one() -> None:
    """A table that is gone is as good as an empty one."""
    main, other = route_table(0, 0), route_table(0, 1)
    model = NetworkModel(route_tables=(other, main, route_table(1, 0)))

    assert model.table_of(subnet(0, 0)) == main
    assert model.table_of(subnet(0, 0, other.id)) == other
    assert model.table_of(subnet(0, 0, "rtb-gone")) is None


def test_a_gateway_that_is_to_go_is_gone() -> None:
    """Nobody's packets are to depend on it any more."""
    going = nat_gateway(0, 0, state=NatState.DELETING)
    model = NetworkModel(nat_gateways=(going, nat_gateway(0, 1)))

    assert model.nat_gateway(going.id) is None
    assert model.nat_gateway("nat-v0n1") == nat_gateway(0, 1)


def test_a_gateway_has_the_addresses_that_are_bound_to_it() -> None:
    """Both records must say so."""
    nat = nat_gateway(0, 0, 0, 1, 2)
    bound = elastic_ip(0, nat.id)
    model = NetworkModel(elastic_ips=(bound, elastic_ip(1), elastic_ip(3, nat.id)))

    assert model.addresses_of(nat) == (bound,)


def test_an_address_that_is_being_taken_from_an_interface_is_not_its_own() -> None:
    """Nor is one that is bound to another."""
    own = interface(subnet(0, 0), 0)
    bound = elastic_ip(0, own.id, own.private_ip)
    going = replace(bound, status=ElasticIpStatus.UNBINDING)

    assert NetworkModel(elastic_ips=(elastic_ip(1, "eni-x"), bound)).elastic_ip_of(own) == bound
    assert NetworkModel(elastic_ips=(going,)).elastic_ip_of(own) is None


def test_addresses_mean_something_in_their_vpc_only() -> None:
    """All VPCs have the same range."""
    mine, theirs = interface(subnet(0, 0), 0), interface(subnet(1, 0), 0)
    model = NetworkModel(
        vpcs=(vpc(0), vpc(1)), subnets=(subnet(0, 0), subnet(1, 0)), interfaces=(mine, theirs)
    )

    assert model.interface_at("vpc-1", mine.private_ip) == theirs
    assert model.subnet_at("vpc-1", mine.private_ip) == subnet(1, 0)
    assert model.subnet_at("vpc-1", "10.0.9.1") is None


def test_an_endpoint_that_nobody_opened_is_closed() -> None:
    """One that is opening has a door already."""
    opening = PublicEndpoint(instance_id=INSTANCE.id, status=EndpointStatus.OPENING)

    assert not is_open(NetworkModel().endpoint_of(INSTANCE.id))
    assert is_open(NetworkModel(public_endpoints=(opening,)).endpoint_of(INSTANCE.id))


def test_an_allowlist_admits_whom_one_of_its_entries_has() -> None:
    """An empty one admits nobody."""
    rules = tuple(AccessRule(cidr=cidr) for cidr in ("198.19.0.10/32", "203.0.113.0/24"))
    endpoint = PublicEndpoint(instance_id=INSTANCE.id, rules=rules)

    assert admits(endpoint, "198.19.0.10")
    assert admits(endpoint, "203.0.113.200")
    assert not admits(endpoint, "198.19.0.11")
    assert not admits(PublicEndpoint(instance_id=INSTANCE.id), "198.19.0.10")
