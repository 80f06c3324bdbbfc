"""From records to namespaces: what each of them becomes, and what it leaves alone."""

from __future__ import annotations

import re
from dataclasses import replace

import msgspec
from hypothesis import given
from tests.unit.network.models import (
    INSTANCE,
    elastic_ip,
    interface,
    nat_gateway,
    networks,
    route,
    route_table,
    subnet,
    vpc,
)

from towline.network.address import HERE, THERE
from towline.network.egress import Egress, egresses
from towline.network.layout import layout
from towline.network.model import NetworkModel
from towline.network.name import Names, bridge
from towline.network.plan import Change, plan
from towline.network.routing import table_numbers
from towline.network.ruleset import internet_rules, router_rules
from towline.network.topology import Namespace, Route, RouteKind, Seen, SeenNamespace, Topology
from towline.resource.public_endpoint import AccessRule, EndpointStatus, PublicEndpoint
from towline.resource.route_table import GatewayType

NAMES = Names("test")
NAT = nat_gateway(0, 0, 0)
MODEL = NetworkModel(
    vpcs=(vpc(0), vpc(1)),
    subnets=(subnet(0, 0), subnet(0, 1, "rtb-v0n1"), subnet(1, 0)),
    route_tables=(
        route_table(0, 0, route("0.0.0.0/0", GatewayType.NAT, NAT.id)),
        route_table(0, 1),
        route_table(1, 0),
    ),
    nat_gateways=(NAT,),
    elastic_ips=(elastic_ip(0, NAT.id), elastic_ip(1)),
    instances=(INSTANCE,),
)
ROUTER = NAMES.router("vpc-0")


def seen(topology: Topology) -> Seen:
    """The kernel when it is as wanted."""
    links = {name: dict.fromkeys(each.bridges, "") for name, each in topology.namespaces.items()}
    for wire in topology.wires:
        for end in (wire.near, wire.far):
            links[end.namespace][end.link] = end.bridge
    return {name: _seen(each, links[name]) for name, each in topology.namespaces.items()}


def _seen(namespace: Namespace, links: dict[str, str]) -> SeenNamespace:
    tables = frozenset(
        change.table
        for change in plan(Topology({"x": namespace}), {})
        if hasattr(change, "table") and change.table
    )
    return SeenNamespace(
        links,
        namespace.addresses,
        namespace.routes,
        namespace.forwards,
        tables,
        lookups=namespace.lookups,
    )


def between(before: NetworkModel, after: NetworkModel) -> tuple[Change, ...]:
    """What is done when the records change."""
    return plan(layout(NAMES, after), seen(layout(NAMES, before)))


def with_routes(*destinations: str) -> NetworkModel:
    """The model with these routes to the gateway in the second table."""
    routes = [route(each, GatewayType.NAT, NAT.id) for each in destinations]
    changed = route_table(0, 1, *routes)
    return replace(MODEL, route_tables=(MODEL.route_tables[0], changed, MODEL.route_tables[2]))


@given(model=networks())
def test_what_is_as_wanted_needs_no_change(model: NetworkModel) -> None:
    """Whatever it is."""
    assert between(model, model) == ()


def test_a_changed_route_touches_nothing_else() -> None:
    """One route comes, another goes; no link, no rule, no other table."""
    before, after = with_routes("203.0.113.0/24"), with_routes("198.18.0.0/15")
    table = table_numbers(["rtb-v0n0", "rtb-v0n1", "n-v0n0"])["rtb-v0n1"]
    changes = between(before, after)

    assert [type(change).__name__ for change in changes] == ["RemoveRoute", "AddRoute"]
    assert all(change.route.table == table for change in changes if hasattr(change, "route"))


def test_an_association_is_one_lookup() -> None:
    """The tables themselves stay."""
    moved = replace(MODEL, subnets=(subnet(0, 0, "rtb-v0n1"), *MODEL.subnets[1:]))
    changes = between(MODEL, moved)

    assert [type(change).__name__ for change in changes] == ["RemoveLookup", "AddLookup"]


def test_an_allowlist_is_a_table_of_the_internet() -> None:
    """The routers do not hear of it."""
    rules = (AccessRule(cidr="203.0.113.0/24"),)
    opened = PublicEndpoint(instance_id=INSTANCE.id, status=EndpointStatus.OPENED, rules=rules)
    changes = between(MODEL, replace(MODEL, public_endpoints=(opened,)))

    assert [type(change).__name__ for change in changes] == ["SetTable"]
    assert [change.namespace for change in changes if hasattr(change, "namespace")] == [
        NAMES.internet
    ]


def test_rules_are_there_before_a_way_and_go_after_it() -> None:
    """No packet leaves with its sender's own address meanwhile."""
    without = replace(MODEL, nat_gateways=())
    coming = [type(change).__name__ for change in between(without, MODEL)]
    going = [type(change).__name__ for change in between(MODEL, without)]

    assert coming.index("SetTable") < coming.index("AddRoute")
    assert going.index("DeleteLink") < going.index("SetTable")


def test_a_wire_is_removed_by_one_of_its_ends() -> None:
    """Though both are seen."""
    changes = between(MODEL, replace(MODEL, nat_gateways=()))

    assert [type(change).__name__ for change in changes].count("DeleteLink") == 1


def test_a_route_to_a_gateway_that_is_not_there_is_silence() -> None:
    """It does not fall back to the next best."""
    orphan = route("198.18.0.0/16", GatewayType.NAT, "nat-gone")
    tables = (route_table(0, 0, orphan),)
    router = layout(NAMES, replace(MODEL, route_tables=tables)).namespaces[ROUTER]
    numbers = table_numbers(["rtb-v0n0", "n-v0n0"])

    assert Route("198.18.0.0/16", RouteKind.BLACKHOLE, table=numbers["rtb-v0n0"]) in router.routes


def test_of_two_routes_to_one_destination_the_first_counts() -> None:
    """The kernel would refuse the second."""
    twice = route_table(
        0,
        0,
        route("198.18.0.0/16", GatewayType.EIP, "0"),
        route("198.18.0.0/16", GatewayType.NAT, NAT.id),
        msgspec.structs.replace(route("0.0.0.0/0", GatewayType.EIP, "0"), enabled=False),
    )
    router = layout(NAMES, replace(MODEL, route_tables=(twice,))).namespaces[ROUTER]
    numbers = table_numbers(["rtb-v0n0", "n-v0n0"])
    made = [each for each in router.routes if each.table == numbers["rtb-v0n0"]]

    assert made == [Route("198.18.0.0/16", RouteKind.THROW, table=numbers["rtb-v0n0"])]


def test_a_machine_of_the_vpc_is_reached_in_its_subnet() -> None:
    """One that is in none is nowhere."""
    table = route_table(
        0,
        0,
        route("203.0.113.0/24", GatewayType.NORMAL_CVM, "10.0.1.9"),
        route("203.0.114.0/24", GatewayType.NORMAL_CVM, "10.0.77.9"),
    )
    model = replace(MODEL, route_tables=(table,))
    router = layout(NAMES, model).namespaces[ROUTER]
    number = table_numbers(["rtb-v0n0", "n-v0n0"])["rtb-v0n0"]

    assert {each for each in router.routes if each.table == number} == {
        Route("203.0.113.0/24", via="10.0.1.9", link=bridge("subnet-v0n1"), table=number),
        Route("203.0.114.0/24", RouteKind.BLACKHOLE, table=number),
    }


def test_a_subnet_as_large_as_its_vpc_leaves_nothing_to_be_silent_about() -> None:
    """The kernel would refuse a second route to the same range."""
    whole = msgspec.structs.replace(subnet(0, 0), cidr="10.0.0.0/16")
    router = layout(NAMES, NetworkModel(vpcs=(vpc(0),), subnets=(whole,))).namespaces[ROUTER]
    silent = {each.destination for each in router.routes if each.kind is RouteKind.BLACKHOLE}

    assert silent == {"default"}


def test_an_elastic_ip_leads_down_the_wire_of_its_owner() -> None:
    """Before all else that the internet takes in; one that is bound to nothing leads nowhere."""
    own = interface(subnet(1, 0), 0)
    bound = (elastic_ip(0, NAT.id), elastic_ip(1, own.id, own.private_ip))
    model = replace(MODEL, elastic_ips=(*bound, elastic_ip(2)), interfaces=(own,))
    (of_gateway, of_pod) = egresses(model)
    internet = layout(NAMES, model).namespaces[NAMES.internet]
    down = {each for each in internet.routes if each.table == "local"}

    assert (of_gateway.link, of_pod.private_ip) == ("n-v0n0", own.private_ip)
    assert down == {
        Route(bound[0].address, via=HERE, link=of_gateway.link, table="local"),
        Route(bound[1].address, via=HERE, link=of_pod.link, table="local"),
    }
    assert (
        Route(
            "default",
            via=THERE,
            link=of_pod.link,
            table=table_numbers(["rtb-v1n0", of_pod.link])[of_pod.link],
        )
        in layout(NAMES, model).namespaces[NAMES.router("vpc-1")].routes
    )


def test_tables_have_numbers_of_their_own() -> None:
    """Also when there are many; they do not depend on the others."""
    names = [f"rtb-{number:08x}" for number in range(5_000)]
    numbers = table_numbers(names)

    assert len(set(numbers.values())) == len(names)
    assert table_numbers(names[:1])[names[0]] == numbers[names[0]]


def test_a_gateway_without_an_address_lets_nothing_out() -> None:
    """Its wire has no rule but the one that drops."""
    rules = router_rules([Egress("vpc-0", "n-x", ())])

    assert "snat" not in rules
    assert 'oifname "n-*" drop' in rules


def test_an_allowlist_has_each_address_once() -> None:
    """nftables refuses intervals that overlap."""
    rules = tuple(AccessRule(cidr=cidr) for cidr in ("10.0.0.0/8", "10.1.0.0/16", "11.0.0.0/8"))
    opened = PublicEndpoint(instance_id=INSTANCE.id, status=EndpointStatus.OPENED, rules=rules)
    text = internet_rules(replace(MODEL, public_endpoints=(opened,)), ())

    assert re.findall(r"elements = \{ (.*?) \}", text) == ["10.0.0.0/7"]


def test_an_instance_without_a_public_address_has_no_door() -> None:
    """The others' doors do not suffer from it."""
    nowhere = msgspec.structs.replace(INSTANCE, id="tcr-2", public_address="")
    text = internet_rules(replace(MODEL, instances=(nowhere, INSTANCE)), ())

    assert "tcr-2" not in text
    assert f"{{ {INSTANCE.public_address} : jump door-{INSTANCE.id} }}" in text


def test_a_closed_endpoint_has_a_door_that_lets_nobody_in() -> None:
    """Whatever its allowlist says."""
    rules = (AccessRule(cidr="0.0.0.0/0"),)
    for status in (EndpointStatus.CLOSED, EndpointStatus.CLOSING):
        closed = PublicEndpoint(instance_id=INSTANCE.id, status=status, rules=rules)
        text = internet_rules(replace(MODEL, public_endpoints=(closed,)), ())

        assert f"chain door-{INSTANCE.id} {{\n  drop\n}}" in text
        assert f"{INSTANCE.public_address} : jump door-{INSTANCE.id}" in text
