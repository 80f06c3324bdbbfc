"""Whatever is asked in whatever order, also at once, the records of a network agree.

A gateway and its addresses know each other, no route leads to a gateway that is gone, no subnet has a
table that is not there, nothing is in a VPC that is gone, and every address is claimed by its owner.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.clouds import open_context
from tests.vpc_calls import ZONE, built, call

from towline.cloud.context import Context, Resources
from towline.cloud.refusal import Refusal
from towline.resource.elastic_ip import ElasticIpStatus
from towline.resource.nat_gateway import NatState
from towline.resource.route_table import GatewayType
from towline.store.error import NotFound

ABSENT = "none"
OUT = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayType": "NAT"}
MOVES = (
    "CreateVpc",
    "CreateSubnet",
    "CreateRouteTable",
    "CreateNatGateway",
    "AllocateAddresses",
    "CreateRoutes",
    "ReplaceRouteTableAssociation",
    "AssociateNatGatewayAddress",
    "DisassociateNatGatewayAddress",
    "ReleaseAddresses",
    "DeleteNatGateway",
    "DeleteRouteTable",
    "DeleteSubnet",
    "DeleteVpc",
    "build",
)

Move = tuple[str, int]


def chosen(names: Sequence[str], number: int) -> str:
    """One of the names, or one of nothing."""
    return names[number % len(names)] if names else ABSENT


def parameters(resources: Resources, action: str, number: int) -> dict[str, Any]:
    """What an action is asked with: any of the things that there are, fitting or not."""
    vpc = chosen([one.id for one in resources.vpcs.list()], number)
    subnet = chosen([one.id for one in resources.subnets.list()], number)
    table = chosen([one.id for one in resources.route_tables.list()], number // 2)
    gateway = chosen([one.id for one in resources.nat_gateways.list()], number // 3)
    ip = chosen([one.address for one in resources.elastic_ips.list()], number)
    eip = chosen([one.id for one in resources.elastic_ips.list()], number)
    asked: dict[str, dict[str, Any]] = {
        "CreateVpc": {"VpcName": "v", "CidrBlock": "10.0.0.0/16"},
        "CreateSubnet": {
            "VpcId": vpc,
            "SubnetName": "s",
            "Zone": ZONE,
            "CidrBlock": f"10.0.{number}.0/24",
        },
        "CreateRouteTable": {"VpcId": vpc, "RouteTableName": "t"},
        "CreateNatGateway": {"VpcId": vpc, "NatGatewayName": "n", "PublicIpAddresses": [ip]}
        | ({"AddressCount": 1} if number % 2 else {}),
        "AllocateAddresses": {"AddressCount": 2},
        "CreateRoutes": {"RouteTableId": table, "Routes": [OUT | {"GatewayId": gateway}]},
        "ReplaceRouteTableAssociation": {"RouteTableId": table, "SubnetId": subnet},
        "AssociateNatGatewayAddress": {"NatGatewayId": gateway, "PublicIpAddresses": [ip]},
        "DisassociateNatGatewayAddress": {"NatGatewayId": gateway, "PublicIpAddresses": [ip]},
        "ReleaseAddresses": {"AddressIds": [eip]},
        "DeleteNatGateway": {"NatGatewayId": gateway},
        "DeleteRouteTable": {"RouteTableId": table},
        "DeleteSubnet": {"SubnetId": subnet},
        "DeleteVpc": {"VpcId": vpc},
    }
    return asked[action]


async def make(context: Context, move: Move) -> None:
    """Ask for something; that it is refused is an answer too."""
    action, number = move
    resources = context.resources
    if action == "build":
        for gateway in resources.nat_gateways.list():
            with suppress(NotFound):
                await built(context, gateway.vpc_id, gateway.id)
        return
    with suppress(Refusal):
        await call(context, action, **parameters(resources, action, number))


def check(resources: Resources) -> None:
    """The records agree."""
    addresses = {one.id: one for one in resources.elastic_ips.list()}
    gateways = {one.id: one for one in resources.nat_gateways.list()}
    vpcs = {one.id for one in resources.vpcs.list()}
    tables = {one.id: one for one in resources.route_tables.list()}
    held = [(id_, one.id) for one in gateways.values() for id_ in one.elastic_ip_ids]
    assert sorted(held) == sorted(
        (one.id, one.bound_to) for one in addresses.values() if one.bound_to
    )
    for one in addresses.values():
        assert (one.status is ElasticIpStatus.BIND) == bool(one.bound_to)
    claims = resources.claims.list("public-address")
    assert {claim.owner_id for claim in claims} >= set(addresses)
    assert len({one.address for one in addresses.values()}) == len(addresses)
    for table in tables.values():
        for route in table.routes:
            assert route.gateway_type is GatewayType.NAT
            assert gateways[route.gateway_id].state is not NatState.DELETING
            assert gateways[route.gateway_id].vpc_id == table.vpc_id
    for subnet in resources.subnets.list():
        assert subnet.vpc_id in vpcs
        assert not subnet.route_table_id or tables[subnet.route_table_id].vpc_id == subnet.vpc_id
    assert sorted(one.vpc_id for one in tables.values() if one.main) == sorted(vpcs)
    assert {one.vpc_id for one in tables.values()} <= vpcs
    assert {one.vpc_id for one in gateways.values()} <= vpcs


async def play(rounds: Sequence[Sequence[Move]]) -> None:
    """Ask for what each round has, all at once, and look at what is stored after each."""
    with TemporaryDirectory() as folder:
        async with open_context(Path(folder)) as context:
            for action in ("CreateVpc", "CreateSubnet", "CreateRouteTable", "CreateNatGateway"):
                await make(context, ("AllocateAddresses", 0))
                await make(context, (action, 0))
            for moves in rounds:
                await asyncio.gather(*(make(context, move) for move in moves))
                check(context.resources)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from(MOVES), st.integers(0, 11)), min_size=1, max_size=6),
        max_size=12,
    )
)
def test_the_records_of_a_network_agree_whatever_is_asked(rounds: list[list[Move]]) -> None:
    """Requests of a round come at once, and each may be refused."""
    asyncio.run(play(rounds))
