"""VPCs and subnets, through the cloud's API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from towline.client.choice import Choice, meant_or
from towline.client.cloud import CloudClient
from towline.client.cloud_view import SubnetView, VpcView, view
from towline.problem import Problem

_MANY = "100"  # the product wants its numbers as text
_VPC: Choice[VpcView] = Choice(
    "VPC",
    lambda vpc: vpc.vpc_id,
    lambda vpc: vpc.vpc_name,
    "name one with --vpc; see `towline vpc list`",
    "create one with `towline vpc create`",
)
_SUBNET: Choice[SubnetView] = Choice(
    "subnet",
    lambda subnet: subnet.subnet_id,
    lambda subnet: subnet.subnet_name,
    "name one by its id with --subnet; see `towline subnet list`",
)


class Networks:
    """The `vpc` product, in the words of the CLI: everything may be named or given by id."""

    def __init__(self, client: CloudClient) -> None:
        self._client = client

    async def vpcs(self) -> list[VpcView]:
        """All VPCs."""
        answer = await self._call("DescribeVpcs", {"Limit": _MANY})
        return view(answer["VpcSet"], list[VpcView])

    async def vpc(self, name: str) -> VpcView:
        """The VPC with this name or id, or the only one when no name is given."""
        return _VPC.of(await self.vpcs(), name)

    async def subnets(self, vpc: VpcView | None = None) -> list[SubnetView]:
        """All subnets, or those of one VPC."""
        asked: dict[str, Any] = {"Limit": _MANY}
        if vpc is not None:
            asked["Filters"] = [{"Name": "vpc-id", "Values": [vpc.vpc_id]}]
        answer = await self._call("DescribeSubnets", asked)
        return view(answer["SubnetSet"], list[SubnetView])

    async def subnet(self, vpc: VpcView, name: str) -> SubnetView:
        """The subnet of a VPC with this name or id, or the first one when no name is given."""
        subnets = await self.subnets(vpc)
        for subnet in subnets:
            if not name or name in (subnet.subnet_name, subnet.subnet_id):
                return subnet
        known = ", ".join(f"{one.subnet_name} ({one.subnet_id})" for one in subnets) or "none"
        otherwise = "name one with --subnet, or create one with `towline subnet create`"
        raise Problem(
            "no-such-subnet",
            cause=f"the VPC {vpc.vpc_name} has no subnet {name or 'at all'}; it has: {known}",
            remedy=meant_or(otherwise, name, [one.subnet_name for one in subnets]),
        )

    async def place(self, name: str) -> SubnetView:
        """The subnet of this name or id in any VPC, or the only one when none is named."""
        return _SUBNET.of(await self.subnets(), name)

    async def create_vpc(self, name: str, cidr: str) -> VpcView:
        """Make a VPC."""
        made = await self._call("CreateVpc", {"VpcName": name, "CidrBlock": cidr})
        return view(made["Vpc"], VpcView)

    async def create_subnet(self, vpc: VpcView, name: str, cidr: str, zone: str) -> SubnetView:
        """Make a subnet; an empty zone is the region's first."""
        asked = {
            "VpcId": vpc.vpc_id,
            "SubnetName": name,
            "CidrBlock": cidr,
            "Zone": zone or f"{self._client.region}-1",
        }
        return view((await self._call("CreateSubnet", asked))["Subnet"], SubnetView)

    async def delete_vpc(self, vpc: VpcView) -> None:
        """Remove a VPC that has nothing in it."""
        await self._call("DeleteVpc", {"VpcId": vpc.vpc_id})

    async def delete_subnet(self, subnet: SubnetView) -> None:
        """Remove a subnet of which no address is in use."""
        await self._call("DeleteSubnet", {"SubnetId": subnet.subnet_id})

    async def _call(self, action: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return await self._client.call("vpc", "2017-03-12", action, params)
