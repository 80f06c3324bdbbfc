"""Routes: where a table sends packets, and which ways there cannot be."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.clouds import open_context, refused
from tests.vpc_calls import call, gateway_of, table_of, vpc_of

from towline.cloud.context import Context
from towline.cloud.refusal import Refusal

OUT = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayType": "EIP", "GatewayId": "0"}
NEAR = {
    "DestinationCidrBlock": "172.20.0.0/16",
    "GatewayType": "NORMAL_CVM",
    "GatewayId": "10.0.0.9",
}


async def routes(context: Context, table: str) -> list[dict[str, Any]]:
    """The routes of a table."""
    shown = await call(context, "DescribeRouteTables", RouteTableIds=[table])
    return list(shown["RouteTableSet"][0]["RouteSet"])


async def with_routes(context: Context, *wanted: dict[str, Any]) -> str:
    """A table with these routes."""
    table = await table_of(context, await vpc_of(context))
    await call(context, "CreateRoutes", RouteTableId=table, Routes=list(wanted))
    return table


async def test_a_route_leads_to_a_nat_gateway_of_the_vpc(tmp_path: Path) -> None:
    """The answer counts what was made and shows just this, as Terraform expects."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        gateway = (await gateway_of(context, vpc_id))["NatGatewayId"]
        table = await table_of(context, vpc_id)
        route = OUT | {"GatewayType": "NAT", "GatewayId": gateway, "RouteDescription": "out"}
        await call(context, "CreateRoutes", RouteTableId=table, Routes=[NEAR])
        made = await call(context, "CreateRoutes", RouteTableId=table, Routes=[route])

        assert made["TotalCount"] == 1
        (shown,) = made["RouteTableSet"][0]["RouteSet"]
        assert shown.items() >= route.items()
        assert (shown["Enabled"], shown["RouteType"]) == (True, "USER")
        assert shown["RouteId"] > 0
        assert shown["RouteItemId"].startswith("rti-")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param(
            {"DestinationCidrBlock": "10.0.4.0/24"},
            "InvalidParameterValue.VpcCidrConflict",
            id="into-the-vpc",
        ),
        pytest.param(
            {"DestinationCidrBlock": "10.0.0.0/16"},
            "InvalidParameterValue.VpcCidrConflict",
            id="the-vpc",
        ),
        pytest.param(
            {"DestinationCidrBlock": "8.8.8.8/24"},
            "InvalidParameterValue.Malformed",
            id="host-bits",
        ),
        pytest.param({"DestinationCidrBlock": ""}, "InvalidParameterValue.Malformed", id="nowhere"),
        pytest.param({"DestinationIpv6CidrBlock": "::/0"}, "UnsupportedOperation", id="ipv6"),
        pytest.param({"GatewayType": "VPN"}, "UnsupportedOperation", id="not-here"),
        pytest.param({"GatewayType": "BRIDGE"}, "InvalidParameterValue", id="unknown-type"),
        pytest.param({"GatewayId": "1"}, "InvalidParameterValue", id="whose-eip"),
        pytest.param(
            {"GatewayType": "NAT", "GatewayId": "nat-abcd1234"}, "ResourceNotFound", id="no-nat"
        ),
        pytest.param(
            {"GatewayType": "NAT", "GatewayId": "nat"},
            "InvalidParameterValue.Malformed",
            id="malformed-nat",
        ),
        pytest.param(
            {"GatewayType": "NORMAL_CVM", "GatewayId": "10.1.0.1"},
            "InvalidParameterValue",
            id="outside",
        ),
        pytest.param(
            {"GatewayType": "NORMAL_CVM", "GatewayId": "there"},
            "InvalidParameterValue.Malformed",
            id="no-address",
        ),
        pytest.param({"RouteType": "CCN"}, "UnsupportedOperation.SystemRoute", id="system"),
    ],
)
async def test_a_way_that_cannot_be_is_refused(
    tmp_path: Path, change: dict[str, str], code: str
) -> None:
    """With all the others of the request."""
    async with open_context(tmp_path) as context:
        table = await table_of(context, await vpc_of(context))
        with refused(code):
            await call(context, "CreateRoutes", RouteTableId=table, Routes=[NEAR, OUT | change])

        assert await routes(context, table) == []


async def test_a_route_cannot_lead_to_a_gateway_of_another_vpc(tmp_path: Path) -> None:
    """Nor to one that is being deleted."""
    async with open_context(tmp_path) as context:
        own, other = await vpc_of(context), await vpc_of(context)
        table = await table_of(context, own)
        theirs = (await gateway_of(context, other))["NatGatewayId"]
        ours = (await gateway_of(context, own))["NatGatewayId"]
        await call(context, "DeleteNatGateway", NatGatewayId=ours)
        for gateway in (theirs, ours):
            route = OUT | {"GatewayType": "NAT", "GatewayId": gateway}
            with refused("ResourceNotFound"):
                await call(context, "CreateRoutes", RouteTableId=table, Routes=[route])


async def test_one_destination_has_one_route(tmp_path: Path) -> None:
    """The same again is a duplicate, another way there would be two equal ones."""
    async with open_context(tmp_path) as context:
        table = await with_routes(context, OUT)
        other = OUT | {"GatewayType": "NORMAL_CVM", "GatewayId": "10.0.0.9"}
        for route, code in (
            (OUT, "InvalidParameterValue.Duplicate"),
            (other, "UnsupportedOperation.Ecmp"),
        ):
            with refused(code):
                await call(context, "CreateRoutes", RouteTableId=table, Routes=[route])


async def test_routes_are_deleted_by_number_or_item(tmp_path: Path) -> None:
    """And the answer shows what is gone."""
    async with open_context(tmp_path) as context:
        table = await with_routes(context, OUT, NEAR)
        out, near = await routes(context, table)
        by_number = [{"RouteId": out["RouteId"]}]
        gone = await call(context, "DeleteRoutes", RouteTableId=table, Routes=by_number)
        by_item = [{"RouteItemId": near["RouteItemId"]}]
        await call(context, "DeleteRoutes", RouteTableId=table, Routes=by_item)
        with refused("ResourceNotFound"):
            await call(context, "DeleteRoutes", RouteTableId=table, Routes=by_number)
        with refused("UnsupportedOperation.RecordNotExists"):
            await call(context, "ReplaceRoutes", RouteTableId=table, Routes=by_number)

        assert gone["RouteSet"] == (out,)
        assert await routes(context, table) == []


async def test_a_replaced_route_keeps_its_number_and_what_is_not_given(tmp_path: Path) -> None:
    """The answer shows it before and after."""
    async with open_context(tmp_path) as context:
        table = await with_routes(context, OUT, NEAR)
        _, near = await routes(context, table)
        change = {"RouteId": near["RouteId"], "GatewayId": "10.0.0.10"}
        done = await call(context, "ReplaceRoutes", RouteTableId=table, Routes=[change])
        with refused("UnsupportedOperation.Ecmp"):
            clash = change | {"DestinationCidrBlock": "0.0.0.0/0"}
            await call(context, "ReplaceRoutes", RouteTableId=table, Routes=[clash])

        assert done["OldRouteSet"] == (near,)
        assert done["NewRouteSet"] == (near | {"GatewayId": "10.0.0.10"},)
        assert (await routes(context, table))[1] == near | {"GatewayId": "10.0.0.10"}


async def test_routes_are_switched_off_and_on(tmp_path: Path) -> None:
    """By number or by item, but not by both, and only those that there are."""
    async with open_context(tmp_path) as context:
        table = await with_routes(context, OUT, NEAR)
        out, near = await routes(context, table)
        numbers = {"RouteTableId": table, "RouteIds": [out["RouteId"]]}
        items = {"RouteTableId": table, "RouteItemIds": [out["RouteItemId"]]}
        await call(context, "DisableRoutes", **numbers)
        off = [one["Enabled"] for one in await routes(context, table)]
        await call(context, "EnableRoutes", **items)
        on = [one["Enabled"] for one in await routes(context, table)]
        with refused("InvalidParameter.Coexist"):
            await call(context, "DisableRoutes", **numbers, RouteItemIds=[near["RouteItemId"]])
        with refused("MissingParameter"):
            await call(context, "DisableRoutes", RouteTableId=table)
        with refused("ResourceNotFound"):
            await call(context, "DisableRoutes", RouteTableId=table, RouteIds=[1, out["RouteId"]])

        assert (off, on) == ([False, True], [True, True])


async def test_a_table_has_fifty_routes(tmp_path: Path) -> None:
    """The cloud's default quota; a request that goes past it makes none."""
    async with open_context(tmp_path) as context:
        many = [NEAR | {"DestinationCidrBlock": f"172.20.{third}.0/24"} for third in range(51)]
        table = await with_routes(context, *many[:49])
        with refused("LimitExceeded"):
            await call(context, "CreateRoutes", RouteTableId=table, Routes=many[49:])
        await call(context, "CreateRoutes", RouteTableId=table, Routes=many[49:50])

        assert len(await routes(context, table)) == 50


async def test_routes_that_are_created_at_once_are_all_kept(tmp_path: Path) -> None:
    """And of several to the same destination there is one."""
    async with open_context(tmp_path) as context:
        table = await table_of(context, await vpc_of(context))
        wanted = [
            NEAR | {"DestinationCidrBlock": f"172.20.{third}.0/24"} for third in (0, 1, 2, 3, 3, 3)
        ]
        answers = await asyncio.gather(
            *(call(context, "CreateRoutes", RouteTableId=table, Routes=[one]) for one in wanted),
            return_exceptions=True,
        )

        assert sum(isinstance(one, Refusal) for one in answers) == 2
        assert len(await routes(context, table)) == 4


async def test_no_route_is_left_to_a_gateway_that_is_deleted_at_once(tmp_path: Path) -> None:
    """Either the route was first and goes with it, or it is refused."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        table = await table_of(context, vpc_id)
        gateway = (await gateway_of(context, vpc_id))["NatGatewayId"]
        route = OUT | {"GatewayType": "NAT", "GatewayId": gateway}
        await asyncio.gather(
            call(context, "CreateRoutes", RouteTableId=table, Routes=[route]),
            call(context, "DeleteNatGateway", NatGatewayId=gateway),
            return_exceptions=True,
        )

        assert await routes(context, table) == []
