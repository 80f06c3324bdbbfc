"""Route tables, through the cloud's API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from towline.client.choice import Choice
from towline.client.cloud import CloudClient
from towline.client.cloud_view import RouteTableView, SubnetView, VpcView, view

DEFAULT = "0.0.0.0/0"
_MANY = "100"  # the product wants its numbers as text
_TABLE: Choice[RouteTableView] = Choice(
    "route table",
    lambda table: table.route_table_id,
    lambda table: table.route_table_name,
    "name one by its id; see `towline route-table list`",
)


class Routing:
    """The tables of all VPCs and the subnets that go by them."""

    def __init__(self, client: CloudClient) -> None:
        self._client = client

    async def tables(self, vpc: VpcView | None = None) -> list[RouteTableView]:
        """All tables, or those of one VPC."""
        asked: dict[str, Any] = {"Limit": _MANY}
        if vpc is not None:
            asked["Filters"] = [{"Name": "vpc-id", "Values": [vpc.vpc_id]}]
        answer = await self._call("DescribeRouteTables", asked)
        return view(answer["RouteTableSet"], list[RouteTableView])

    async def table(self, name: str) -> RouteTableView:
        """The table of this name or id; raises `Problem`."""
        return _TABLE.of(await self.tables(), name)

    async def table_of(self, subnet: SubnetView) -> RouteTableView:
        """The table that a subnet goes by."""
        tables = [one for one in await self.tables() if one.vpc_id == subnet.vpc_id]
        for table in tables:
            if any(each.subnet_id == subnet.subnet_id for each in table.association_set):
                return table
        return next(table for table in tables if table.main)

    async def create(self, vpc_id: str, name: str) -> RouteTableView:
        """Make a table without routes."""
        asked = {"VpcId": vpc_id, "RouteTableName": name}
        return view((await self._call("CreateRouteTable", asked))["RouteTable"], RouteTableView)

    async def delete(self, table_id: str) -> None:
        """Remove a table that no subnet goes by."""
        await self._call("DeleteRouteTable", {"RouteTableId": table_id})

    async def add(self, table_id: str, destination: str, kind: str, gateway: str) -> None:
        """Send packets for a destination to a gateway."""
        route = {
            "DestinationCidrBlock": destination,
            "GatewayType": kind,
            "GatewayId": gateway,
        }
        await self._call("CreateRoutes", {"RouteTableId": table_id, "Routes": [route]})

    async def remove(self, table_id: str, route_id: int) -> None:
        """Take a route out of its table."""
        asked = {"RouteTableId": table_id, "Routes": [{"RouteId": route_id}]}
        await self._call("DeleteRoutes", asked)

    async def enable(self, table_id: str, route_id: int) -> None:
        """Let packets take a route again that is switched off."""
        await self._call("EnableRoutes", {"RouteTableId": table_id, "RouteIds": [route_id]})

    async def disable(self, table_id: str, route_id: int) -> None:
        """Keep a route in its table, but let no packet take it."""
        await self._call("DisableRoutes", {"RouteTableId": table_id, "RouteIds": [route_id]})

    async def associate(self, table_id: str, subnet_id: str) -> None:
        """Let a subnet go by a table, and no longer by the one before."""
        asked = {"RouteTableId": table_id, "SubnetId": subnet_id}
        await self._call("ReplaceRouteTableAssociation", asked)

    async def _call(self, action: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return await self._client.call("vpc", "2017-03-12", action, params)
