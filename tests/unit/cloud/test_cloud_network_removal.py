"""What is in use stays: VPCs and subnets go when nothing is in them any more."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.clouds import NOW, open_context, refused, running_instance
from tests.vpc_calls import built, call, gateway_of, subnet_of, table_of, vpc_of

from towline.cloud.context import Context
from towline.cloud.founding import found
from towline.cloud.refusal import Refusal
from towline.resource.link import Link
from towline.resource.vpc import Address, AddressOwner


async def taken(context: Context, vpc_id: str, subnet_id: str) -> None:
    """Do what the agent would: take an address for a pod."""
    address = Address(
        vpc_id=vpc_id,
        subnet_id=subnet_id,
        ip="10.0.1.2",
        owner=AddressOwner.POD,
        owner_id="uid",
    )
    await context.resources.addresses.create(vpc_id, address.ip, address)


async def test_a_vpc_goes_with_its_main_table_when_it_is_empty(tmp_path: Path) -> None:
    """And nothing of it is left."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        await call(context, "DeleteVpc", VpcId=vpc_id)
        with refused("ResourceNotFound"):
            await call(context, "DeleteVpc", VpcId=vpc_id)

        assert context.resources.vpcs.list() == ()
        assert context.resources.route_tables.list() == ()


async def test_a_vpc_stays_while_anything_is_in_it(tmp_path: Path) -> None:
    """A subnet, a table beside the main one, or a gateway, also one that is being removed."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        subnet_id, table = await subnet_of(context, vpc_id), await table_of(context, vpc_id)
        gateway = (await gateway_of(context, vpc_id))["NatGatewayId"]
        for action, named in (
            ("DeleteSubnet", {"SubnetId": subnet_id}),
            ("DeleteRouteTable", {"RouteTableId": table}),
            ("DeleteNatGateway", {"NatGatewayId": gateway}),
        ):
            with refused("ResourceInUse"):
                await call(context, "DeleteVpc", VpcId=vpc_id)
            await call(context, action, **named)
        with refused("ResourceInUse"):
            await call(context, "DeleteVpc", VpcId=vpc_id)
        await built(context, vpc_id, gateway)
        await call(context, "DeleteVpc", VpcId=vpc_id)

        assert context.resources.vpcs.list() == ()


async def test_a_subnet_stays_while_an_address_of_it_is_in_use(tmp_path: Path) -> None:
    """Whoever has it."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        subnet_id = await subnet_of(context, vpc_id)
        await taken(context, vpc_id, subnet_id)
        with refused("ResourceInUse"):
            await call(context, "DeleteSubnet", SubnetId=subnet_id)
        await context.resources.addresses.delete(vpc_id, "10.0.1.2")
        await call(context, "DeleteSubnet", SubnetId=subnet_id)

        assert context.resources.subnets.list() == ()


async def test_a_subnet_stays_while_a_link_is_to_have_an_address_of_it(tmp_path: Path) -> None:
    """Also before it has one."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        subnet_id = await subnet_of(context, vpc_id)
        registry_id = await running_instance(context)
        link = Link(
            instance_id=registry_id, vpc_id=vpc_id, subnet_id=subnet_id, created_at=context.now()
        )
        await context.resources.links.create(vpc_id, registry_id, link)
        with refused("ResourceInUse"):
            await call(context, "DeleteSubnet", SubnetId=subnet_id)


async def test_the_network_of_a_cluster_stays(tmp_path: Path) -> None:
    """Even if no pod is in it."""
    async with open_context(tmp_path) as context:
        await found(context.resources, "ap-guangzhou", lambda: NOW)
        (cluster,) = context.resources.clusters.list()
        for action, named in (
            ("DeleteSubnet", {"SubnetId": cluster.subnet_ids[0]}),
            ("DeleteVpc", {"VpcId": cluster.vpc_id}),
        ):
            with refused("ResourceInUse"):
                await call(context, action, **named)


async def test_nothing_is_made_in_a_vpc_that_is_deleted_at_once(tmp_path: Path) -> None:
    """Either the VPC stays, or what was to be in it is refused."""
    async with open_context(tmp_path) as context:
        for make in (subnet_of, table_of, gateway_of):
            vpc_id = await vpc_of(context)
            answers = await asyncio.gather(
                call(context, "DeleteVpc", VpcId=vpc_id),
                make(context, vpc_id),
                return_exceptions=True,
            )
            assert sum(isinstance(one, Refusal) for one in answers) == 1
        resources = context.resources
        vpcs = {vpc.id for vpc in resources.vpcs.list()}
        inside = {one.vpc_id for one in resources.subnets.list()}
        inside |= {one.vpc_id for one in resources.nat_gateways.list()}
        inside |= {one.vpc_id for one in resources.route_tables.list()}

        assert inside <= vpcs


async def test_vpcs_and_subnets_can_be_renamed(tmp_path: Path) -> None:
    """What cannot be had here is refused."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        subnet_id = await subnet_of(context, vpc_id)
        await call(context, "ModifyVpcAttribute", VpcId=vpc_id, VpcName="lab")
        await call(context, "ModifyVpcAttribute", VpcId=vpc_id)
        await call(context, "ModifySubnetAttribute", SubnetId=subnet_id, SubnetName="builds")
        for action, named, change in (
            ("ModifyVpcAttribute", {"VpcId": vpc_id}, {"DomainName": "lab"}),
            ("ModifyVpcAttribute", {"VpcId": vpc_id}, {"DnsServers": ["10.0.0.2"]}),
            ("ModifySubnetAttribute", {"SubnetId": subnet_id}, {"EnableBroadcast": "TRUE"}),
        ):
            with refused("UnsupportedOperation"):
                await call(context, action, **named, **change)
        (vpc,) = (await call(context, "DescribeVpcs"))["VpcSet"]
        (subnet,) = (await call(context, "DescribeSubnets"))["SubnetSet"]

        assert (vpc["VpcName"], subnet["SubnetName"]) == ("lab", "builds")


async def test_tags_of_vpcs_and_subnets_are_shown_and_found(tmp_path: Path) -> None:
    """As they were given."""
    async with open_context(tmp_path) as context:
        tags = [{"Key": "team", "Value": "a"}]
        made = await call(context, "CreateVpc", VpcName="v", CidrBlock="10.0.0.0/16", Tags=tags)
        await vpc_of(context)
        filters = [{"Name": "tag:team", "Values": ["a"]}]
        (found_,) = (await call(context, "DescribeVpcs", Filters=filters))["VpcSet"]

        assert found_["VpcId"] == made["Vpc"]["VpcId"]
        assert found_["TagSet"] == tuple(tags)
