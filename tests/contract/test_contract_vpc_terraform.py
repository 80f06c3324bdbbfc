"""What Terraform's provider for this cloud does with networks, replayed as its source has it.

It dereferences what it reads without looking, so a null is a panic there; it waits for states in loops
of its own; and it takes answers apart in ways that no documentation tells.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.clouds import serving
from tests.tencent_clients import Client, RefusedError, by_sdk
from tests.vpc_calls import ZONE, network_agent

PAGE = 100
VPC = (
    "CidrBlock",
    "CreatedTime",
    "DnsServerSet",
    "IsDefault",
    "EnableMulticast",
    "VpcName",
    "VpcId",
)
SUBNET = (
    "CidrBlock",
    "CreatedTime",
    "VpcId",
    "SubnetId",
    "RouteTableId",
    "CdcId",
    "SubnetName",
    "IsDefault",
    "EnableBroadcast",
    "Zone",
    "AvailableIpAddressCount",
)
TABLE = ("CreatedTime", "Main", "RouteTableName", "RouteTableId", "VpcId", "AssociationSet")
ROUTE = (
    "DestinationCidrBlock",
    "GatewayId",
    "GatewayType",
    "RouteDescription",
    "RouteId",
    "RouteType",
    "Enabled",
    "RouteItemId",
)
GATEWAY = (
    "NatGatewayId",
    "NatGatewayName",
    "State",
    "VpcId",
    "CreatedTime",
    "InternetMaxBandwidthOut",
    "MaxConcurrentConnection",
    "PublicIpAddressSet",
)
ADDRESS = ("AddressId", "AddressStatus", "AddressIp", "AddressType", "InternetChargeType")


@dataclass(frozen=True)
class Provider:
    """The provider's own steps."""

    call: Client

    async def all(self, action: str, key: str, **filters: str) -> list[dict[str, Any]]:
        """Every entry of a list: pages of 100, until as many are there as the first page said."""
        wanted = [
            {"Name": name.replace("_", "-"), "Values": [value]} for name, value in filters.items()
        ]
        found, offset, total = list[dict[str, Any]](), 0, 1
        while offset < total:
            page = await self.call(action, Filters=wanted, Limit=str(PAGE), Offset=str(offset))
            found, offset, total = found + page[key], offset + PAGE, page["TotalCount"]
        return found

    async def network(self) -> tuple[str, str]:
        """`tencentcloud_vpc` and `tencentcloud_subnet`: created and read back; their ids."""
        publishing = {"EnableRouteVpcPublish": False, "EnableRouteVpcPublishIpv6": False}
        asked = {"VpcName": "v", "CidrBlock": "10.0.0.0/16", "EnableMulticast": "false"}
        vpc_id = (await self.call("CreateVpc", **asked, **publishing))["Vpc"]["VpcId"]
        (vpc,) = await self.all("DescribeVpcs", "VpcSet", vpc_id=vpc_id)
        assert_whole([vpc], VPC)
        tables = await self.all("DescribeRouteTables", "RouteTableSet", vpc_id=vpc_id)
        (main,) = [one["RouteTableId"] for one in tables if one["Main"]]
        place = {"VpcId": vpc_id, "Zone": ZONE, "CidrBlock": "10.0.1.0/24"}
        made = await self.call("CreateSubnet", SubnetName="s", **place)
        subnet_id = made["Subnet"]["SubnetId"]
        (subnet,) = await self.all("DescribeSubnets", "SubnetSet", subnet_id=subnet_id)
        assert_whole([subnet], SUBNET)
        assert subnet["RouteTableId"] == main
        change = {"DnsServers": vpc["DnsServerSet"], "EnableMulticast": "false", **publishing}
        await self.call("ModifyVpcAttribute", VpcId=vpc_id, VpcName="lab", **change)
        renamed = {"SubnetId": subnet_id, "SubnetName": "pods", "EnableBroadcast": "false"}
        await self.call("ModifySubnetAttribute", **renamed)
        return str(vpc_id), str(subnet_id)

    async def address(self) -> dict[str, Any]:
        """`tencentcloud_eip`: allotted, its task and then its state waited for."""
        made = await self.call("AllocateAddresses", InternetChargeType="TRAFFIC_POSTPAID_BY_HOUR")
        await self.settled(made)
        named = {"AddressIds": made["AddressSet"]}
        answer = await self.call.until("DescribeAddresses", _is_allotted, **named)
        assert_whole(answer["AddressSet"], ADDRESS)
        return dict(answer["AddressSet"][0])

    async def settled(self, started: dict[str, Any]) -> None:
        """Wait until a task on addresses runs no more; its id is a number as text."""
        task = int(started["TaskId"])
        await self.call.until(
            "DescribeTaskResult", lambda one: one["Result"] != "RUNNING", TaskId=task
        )

    async def gateway(self, vpc_id: str, *ips: str) -> str:
        """`tencentcloud_nat_gateway`: created with addresses told by IP, and waited for."""
        asked = {"InternetMaxBandwidthOut": 100, "MaxConcurrentConnection": 1_000_000}
        made = await self.call(
            "CreateNatGateway",
            VpcId=vpc_id,
            NatGatewayName="out",
            PublicIpAddresses=list(ips),
            **asked,
        )
        id_ = made["NatGatewaySet"][0]["NatGatewayId"]
        answer = await self.call.until("DescribeNatGateways", _is_built, NatGatewayIds=[id_])
        assert_whole(answer["NatGatewaySet"], GATEWAY)
        return str(id_)

    async def exchanged(self, action: str, gateway_id: str, ip: str) -> None:
        """Change the addresses of a gateway; the task is the request's own id."""
        done = await self.call(action, NatGatewayId=gateway_id, PublicIpAddresses=[ip])
        task = {"TaskId": done["RequestId"]}
        await self.call.until(
            "DescribeVpcTaskResult", lambda one: one["Status"] == "SUCCESS", **task
        )

    async def entry(self, table_id: str, destination: str, gateway_id: str) -> int:
        """`tencentcloud_route_table_entry`: the answer must hold this one route; its number."""
        route = {
            "DestinationCidrBlock": destination,
            "RouteDescription": "",
            "GatewayType": "NAT",
            "GatewayId": gateway_id,
            "Enabled": True,
        }
        made = await self.call("CreateRoutes", RouteTableId=table_id, Routes=[route])
        (table,) = made["RouteTableSet"]
        (shown,) = table["RouteSet"]
        return int(shown["RouteId"])

    async def gone(self, action: str, **named: str) -> None:
        """Remove something; the provider tries again for minutes unless this is the code."""
        await self.call(action, **named)
        with pytest.raises(RefusedError, match=r"^ResourceNotFound "):
            await self.call(action, **named)


def assert_whole(items: Iterable[dict[str, Any]], names: Iterable[str]) -> None:
    """Nothing that the provider dereferences is null, or missing."""
    for item in items:
        assert [name for name in names if item.get(name) is None] == []


def _is_allotted(answer: dict[str, Any]) -> bool:
    return bool(answer["AddressSet"][0]["AddressStatus"] != "CREATING")


def _is_built(answer: dict[str, Any]) -> bool:
    return bool(answer["NatGatewaySet"][0]["State"] == "AVAILABLE")


@asynccontextmanager
async def provider(folder: Path) -> AsyncIterator[Provider]:
    """The provider at a cloud of its own, with an agent that does what is asked."""
    async with serving(folder) as cloud, network_agent(cloud.resources):
        yield Provider(Client(by_sdk(cloud, "vpc", "v20170312")))


@pytest.mark.slow
async def test_terraform_builds_a_way_out_and_takes_it_away(tmp_path: Path) -> None:
    """VPC, subnet, address, gateway, table, entry, association, in its order and backwards."""
    async with provider(tmp_path) as terraform:
        call = terraform.call
        vpc_id, subnet_id = await terraform.network()
        first, second = await terraform.address(), await terraform.address()
        gateway_id = await terraform.gateway(vpc_id, first["AddressIp"])
        made = await call("CreateRouteTable", VpcId=vpc_id, RouteTableName="egress")
        table_id = made["RouteTable"]["RouteTableId"]
        await terraform.entry(table_id, "172.20.0.0/16", gateway_id)
        number = await terraform.entry(table_id, "0.0.0.0/0", gateway_id)
        await call("ReplaceRouteTableAssociation", SubnetId=subnet_id, RouteTableId=table_id)
        by_id = {"route_table_id": table_id, "vpc_id": vpc_id}
        (table,) = await terraform.all("DescribeRouteTables", "RouteTableSet", **by_id)
        assert_whole([table], TABLE)
        assert_whole(table["RouteSet"], ROUTE)
        assert [one["RouteId"] for one in table["RouteSet"]][1] == number

        await terraform.exchanged("AssociateNatGatewayAddress", gateway_id, second["AddressIp"])
        await terraform.exchanged("DisassociateNatGatewayAddress", gateway_id, first["AddressIp"])
        main = (await terraform.all("DescribeRouteTables", "RouteTableSet", vpc_id=vpc_id))[0]
        back = {"SubnetId": subnet_id, "RouteTableId": main["RouteTableId"]}
        await call("DeleteRoutes", RouteTableId=table_id, Routes=[{"RouteId": number}])
        await call("ReplaceRouteTableAssociation", **back)
        await terraform.gone("DeleteRouteTable", RouteTableId=table_id)
        await call("DeleteNatGateway", NatGatewayId=gateway_id)
        await call.until(
            "DescribeNatGateways", lambda one: not one["NatGatewaySet"], NatGatewayIds=[gateway_id]
        )
        for address in (first, second):
            named = {"AddressIds": [address["AddressId"]]}
            await terraform.settled(await call("ReleaseAddresses", **named))
            assert (await call("DescribeAddresses", **named))["AddressSet"] == []
        await terraform.gone("DeleteSubnet", SubnetId=subnet_id)
        await terraform.gone("DeleteVpc", VpcId=vpc_id)

        assert await terraform.all("DescribeVpcs", "VpcSet", vpc_id=vpc_id) == []


@pytest.mark.slow
async def test_terraform_keeps_the_rules_of_a_group(tmp_path: Path) -> None:
    """One by one with empty templates, and all at once; version 0 clears them."""
    async with provider(tmp_path) as terraform:
        call = terraform.call
        made = await call("CreateSecurityGroup", GroupName="g", GroupDescription="", ProjectId="0")
        group = {"SecurityGroupId": made["SecurityGroup"]["SecurityGroupId"]}
        every = {"CidrBlock": "0.0.0.0/0", "Action": "ACCEPT", "PolicyDescription": ""}
        single = every | {"PolicyIndex": 0, "AddressTemplate": {}, "ServiceTemplate": {}}
        create = {"Egress": [single]}
        await call("CreateSecurityGroupPolicies", **group, SecurityGroupPolicySet=create)
        found = (await call("DescribeSecurityGroupPolicies", **group))["SecurityGroupPolicySet"]
        await call(
            "DeleteSecurityGroupPolicies",
            **group,
            SecurityGroupPolicySet={"Egress": [{"CidrBlock": "0.0.0.0/0", "Action": "ACCEPT"}]},
        )
        lite = every | {"Protocol": "TCP", "Port": "80,443"}
        both = {"Ingress": [lite], "Egress": [lite | {"CidrBlock": "10.0.0.0/8"}]}
        change = {"SecurityGroupPolicySet": both, "SortPolicys": True}
        await call("ModifySecurityGroupPolicies", **group, **change)
        reset = (await call("DescribeSecurityGroupPolicies", **group))["SecurityGroupPolicySet"]
        cleared = {"SecurityGroupPolicySet": {"Version": "0"}}
        await call("ModifySecurityGroupPolicies", **group, **cleared)
        empty = (await call("DescribeSecurityGroupPolicies", **group))["SecurityGroupPolicySet"]

        assert [(one["Protocol"], one["Port"]) for one in found["Egress"]] == [("ALL", "ALL")]
        assert [one["Port"] for one in (*reset["Ingress"], *reset["Egress"])] == ["80,443"] * 2
        assert (empty["Ingress"], empty["Egress"]) == ([], [])
        named = {"SecurityGroupIds": [group["SecurityGroupId"]]}
        counted = await call("DescribeSecurityGroupAssociationStatistics", **named)
        assert counted["SecurityGroupAssociationStatisticsSet"][0]["TotalCount"] == 0
        await terraform.gone("DeleteSecurityGroup", **group)
        with pytest.raises(RefusedError, match=r"^ResourceNotFound "):
            await call("DescribeSecurityGroups", **named)
