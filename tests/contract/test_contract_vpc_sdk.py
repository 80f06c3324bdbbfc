"""The network product, driven by the official SDK and by tccli: every action, in the order of use.

Both are Tencent's own, from PyPI. What their users write works here unchanged: a VPC with a way out
through a NAT gateway, a pod with an address of its own, the rules for what it may do, and all of it
away again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.clouds import ServedCloud, serving
from tests.tencent_clients import Client, RefusedError, by_sdk, by_tccli
from tests.vpc_calls import ZONE, network_agent

from towline.cloud.vpc.product import ACTIONS
from towline.resource.network_interface import NetworkInterface

SDK = ("vpc", "v20170312")
POD = NetworkInterface(
    id="eni-0000pod1",
    vpc_id="",
    subnet_id="",
    private_ip="10.0.1.7",
    pod_uid="uid-1",
    pod_name="default/web",
    created_at="2026-01-02T03:04:05Z",
)
WEB = {"Protocol": "TCP", "Port": "443", "CidrBlock": "0.0.0.0/0", "Action": "ACCEPT"}
OUT = {"DestinationCidrBlock": "0.0.0.0/0", "RouteDescription": "out"}


async def vpcs_and_subnets(client: Client) -> tuple[str, str]:
    """A VPC and a subnet in it, renamed and found."""
    made = await client("CreateVpc", VpcName="v", CidrBlock="10.0.0.0/16", Tags=[{"Key": "a"}])
    vpc_id: str = made["Vpc"]["VpcId"]
    await client("ModifyVpcAttribute", VpcId=vpc_id, VpcName="lab")
    place = {"VpcId": vpc_id, "Zone": ZONE, "CidrBlock": "10.0.1.0/24"}
    subnet = await client("CreateSubnet", SubnetName="s", **place)
    subnet_id: str = subnet["Subnet"]["SubnetId"]
    await client("ModifySubnetAttribute", SubnetId=subnet_id, SubnetName="pods")
    filters = [{"Name": "tag-key", "Values": ["a"]}]
    (vpc,) = (await client("DescribeVpcs", Filters=filters, Offset="0", Limit="5"))["VpcSet"]
    (found,) = (await client("DescribeSubnets", SubnetIds=[subnet_id]))["SubnetSet"]
    assert (vpc["VpcName"], found["SubnetName"]) == ("lab", "pods")
    assert (vpc["TagSet"], found["TotalIpAddressCount"]) == ([{"Key": "a", "Value": ""}], 253)
    return vpc_id, subnet_id


async def gateways(client: Client, vpc_id: str) -> str:
    """A gateway with an address of its own, which is exchanged for another one."""
    ids = (await client("AllocateAddresses", AddressCount=2, AddressName="out"))["AddressSet"]
    shown = (await client("DescribeAddresses", AddressIds=ids, Limit=5))["AddressSet"]
    own, other = (one["AddressIp"] for one in shown)
    made = await client(
        "CreateNatGateway", NatGatewayName="out", VpcId=vpc_id, PublicIpAddresses=[own]
    )
    id_: str = made["NatGatewaySet"][0]["NatGatewayId"]
    available = {"NatGatewayIds": [id_]}
    await client.until("DescribeNatGateways", is_available, **available)
    more = {"NatGatewayId": id_, "PublicIpAddresses": [other]}
    await client("AssociateNatGatewayAddress", **more)
    await client("DisassociateNatGatewayAddress", NatGatewayId=id_, PublicIpAddresses=[own])
    await client("ModifyNatGatewayAttribute", NatGatewayId=id_, InternetMaxBandwidthOut=200)
    done = await client(
        "ResetNatGatewayConnection", NatGatewayId=id_, MaxConcurrentConnection=3_000_000
    )
    task = {"TaskId": done["RequestId"]}
    await client.until("DescribeVpcTaskResult", lambda one: one["Status"] == "SUCCESS", **task)
    (shown,) = (await client("DescribeNatGateways", **available))["NatGatewaySet"]
    assert [one["PublicIpAddress"] for one in shown["PublicIpAddressSet"]] == [other]
    assert (shown["State"], shown["InternetMaxBandwidthOut"]) == ("AVAILABLE", 200)
    return id_


def is_available(answer: dict[str, Any]) -> bool:
    """Whether the gateway that was asked for has been built."""
    return [one["State"] for one in answer["NatGatewaySet"]] == ["AVAILABLE"]


async def routes(client: Client, vpc_id: str, subnet_id: str, gateway_id: str) -> str:
    """A table that leads a subnet to a gateway."""
    made = await client("CreateRouteTable", VpcId=vpc_id, RouteTableName="t")
    table: str = made["RouteTable"]["RouteTableId"]
    await client("ModifyRouteTableAttribute", RouteTableId=table, RouteTableName="egress")
    route = OUT | {"GatewayType": "NAT", "GatewayId": gateway_id}
    near = {
        "DestinationCidrBlock": "172.20.0.0/16",
        "GatewayType": "NORMAL_CVM",
        "GatewayId": "10.0.1.9",
    }
    made = await client("CreateRoutes", RouteTableId=table, Routes=[route, near])
    first, second = made["RouteTableSet"][0]["RouteSet"]
    await client("DisableRoutes", RouteTableId=table, RouteIds=[first["RouteId"]])
    await client("EnableRoutes", RouteTableId=table, RouteIds=[first["RouteId"]])
    change = {"RouteId": second["RouteId"], "GatewayId": "10.0.1.10"}
    replaced = await client("ReplaceRoutes", RouteTableId=table, Routes=[change])
    assert replaced["NewRouteSet"][0]["DestinationCidrBlock"] == "172.20.0.0/16"
    gone = await client("DeleteRoutes", RouteTableId=table, Routes=[{"RouteId": second["RouteId"]}])
    assert gone["RouteSet"][0]["GatewayId"] == "10.0.1.10"
    await client("ReplaceRouteTableAssociation", RouteTableId=table, SubnetId=subnet_id)
    filters = [{"Name": "association.main", "Values": ["false"]}]
    (shown,) = (await client("DescribeRouteTables", Filters=filters))["RouteTableSet"]
    assert [one["SubnetId"] for one in shown["AssociationSet"]] == [subnet_id]
    assert [one["GatewayId"] for one in shown["RouteSet"]] == [gateway_id]
    return table


async def security_groups(client: Client) -> str:
    """A group with rules, inserted, replaced, reset and deleted."""
    made = await client("CreateSecurityGroup", GroupName="g", GroupDescription="d")
    id_: str = made["SecurityGroup"]["SecurityGroupId"]
    group = {"SecurityGroupId": id_}
    await client("ModifySecurityGroupAttribute", **group, GroupName="pods")
    first = [WEB | {"PolicyIndex": 0}]
    await client("CreateSecurityGroupPolicies", **group, SecurityGroupPolicySet={"Egress": first})
    second = [WEB | {"Port": "8000-9000", "PolicyIndex": 0}]
    await client("ReplaceSecurityGroupPolicies", **group, SecurityGroupPolicySet={"Egress": second})
    every = {"Version": "2", "Ingress": [], "Egress": [WEB, WEB | {"Port": "80"}]}
    await client(
        "ModifySecurityGroupPolicies", **group, SecurityGroupPolicySet=every, SortPolicys=True
    )
    going = {"Egress": [{"PolicyIndex": 1}]}
    await client("DeleteSecurityGroupPolicies", **group, SecurityGroupPolicySet=going)
    policies = (await client("DescribeSecurityGroupPolicies", **group))["SecurityGroupPolicySet"]
    assert [one["Port"] for one in policies["Egress"]] == ["443"]
    assert policies["Version"] == "4"
    shown = await client("DescribeSecurityGroups", SecurityGroupIds=[id_], Limit="20")
    assert shown["SecurityGroupSet"][0]["SecurityGroupName"] == "pods"
    return id_


async def pods_address(client: Client, cloud: ServedCloud, vpc_id: str, subnet_id: str) -> None:
    """An address that a pod has for a while."""
    pod = msgspec.structs.replace(POD, vpc_id=vpc_id, subnet_id=subnet_id)
    await cloud.resources.network_interfaces.create(vpc_id, pod.id, pod)
    allotted = await client("AllocateAddresses", InternetMaxBandwidthOut=5, ClientToken="once")
    (id_,) = allotted["AddressSet"]
    await client("ModifyAddressesBandwidth", AddressIds=[id_], InternetMaxBandwidthOut=10)
    await client("ModifyAddressAttribute", AddressId=id_, AddressName="web")
    binding = await client(
        "AssociateAddress",
        AddressId=id_,
        NetworkInterfaceId=pod.id,
        PrivateIpAddress=pod.private_ip,
    )
    await rested(client, binding)
    (shown,) = (await client("DescribeNetworkInterfaces", Limit=5))["NetworkInterfaceSet"]
    assert shown["PrivateIpAddressSet"][0]["AddressId"] == id_
    await rested(client, await client("DisassociateAddress", AddressId=id_))
    (address,) = (await client("DescribeAddresses", AddressIds=[id_]))["AddressSet"]
    assert (address["AddressStatus"], address["Bandwidth"]) == ("UNBIND", 10)
    await cloud.resources.network_interfaces.delete(vpc_id, pod.id)


async def rested(client: Client, started: dict[str, Any]) -> None:
    """Wait for a task on addresses."""
    task = int(started["TaskId"])
    await client.until(
        "DescribeTaskResult", lambda one: bool(one["Result"] == "SUCCESS"), TaskId=task
    )


async def away(client: Client, gateway_id: str, group_id: str) -> None:
    """What is in a network goes, and what it was made of can be given back."""
    statistics = "DescribeSecurityGroupAssociationStatistics"
    counted = await client(statistics, SecurityGroupIds=[group_id])
    assert counted["SecurityGroupAssociationStatisticsSet"][0]["TotalCount"] == 0
    await client("DeleteSecurityGroup", SecurityGroupId=group_id)
    await client("DeleteNatGateway", NatGatewayId=gateway_id)
    gone = {"NatGatewayIds": [gateway_id]}
    await client.until("DescribeNatGateways", lambda one: one["TotalCount"] == 0, **gone)
    addresses = (await client("DescribeAddresses"))["AddressSet"]
    ids = [one["AddressId"] for one in addresses]
    await client("ReleaseAddresses", AddressIds=ids)
    assert (await client("DescribeAddresses", AddressIds=ids))["TotalCount"] == 0


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("tool", ["sdk", "tccli"])
async def test_every_action_of_the_network_product_works(tmp_path: Path, tool: str) -> None:
    """From an empty region to a network and back to an empty region."""
    async with serving(tmp_path) as cloud, network_agent(cloud.resources):
        is_sdk = tool == "sdk"
        send = by_sdk(cloud, *SDK) if is_sdk else by_tccli(cloud, "vpc", tmp_path)
        client = Client(send)
        vpc_id, subnet_id = await vpcs_and_subnets(client)
        gateway_id = await gateways(client, vpc_id)
        table = await routes(client, vpc_id, subnet_id, gateway_id)
        group_id = await security_groups(client)
        await pods_address(client, cloud, vpc_id, subnet_id)
        with pytest.raises(RefusedError, match="DelRouteWithSubnet"):
            await client("DeleteRouteTable", RouteTableId=table)
        with pytest.raises(RefusedError, match="ResourceInUse"):
            await client("DeleteVpc", VpcId=vpc_id)
        await away(client, gateway_id, group_id)
        await client("DeleteSubnet", SubnetId=subnet_id)
        await client("DeleteRouteTable", RouteTableId=table)
        await client("DeleteVpc", VpcId=vpc_id)

        assert client.used == set(ACTIONS)
        assert (await client("DescribeVpcs"))["TotalCount"] == 0
        assert cloud.resources.route_tables.list() == ()
