"""VPCs and subnets: ranges that cannot be are refused before anything is built."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.clouds import open_context, refused

from towline.cloud.context import Context
from towline.cloud.page import Filter
from towline.cloud.refusal import Refusal
from towline.cloud.vpc.subnet import (
    CreateSubnet,
    DescribeSubnets,
    SubnetInfo,
    create_subnet,
    describe_subnets,
)
from towline.cloud.vpc.vpc import CreateVpc, DescribeVpcs, create_vpc, describe_vpcs
from towline.resource.vpc import Address, AddressOwner


async def vpc_of(context: Context, cidr: str = "10.0.0.0/16", name: str = "office") -> str:
    """Create a VPC."""
    made = await create_vpc(context, CreateVpc(vpc_name=name, cidr_block=cidr))
    return made.vpc.vpc_id


async def subnet_of(context: Context, vpc_id: str, cidr: str, **more: str) -> SubnetInfo:
    """Create a subnet."""
    asked: dict[str, Any] = {"vpc_id": vpc_id, "subnet_name": "pods", "cidr_block": cidr}
    asked |= {"zone": "ap-guangzhou-3"}
    return (await create_subnet(context, CreateSubnet(**(asked | more)))).subnet


@pytest.mark.parametrize(
    "cidr", ["10.0.0.0/12", "10.15.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "10.0.0.0/28"]
)
async def test_a_vpc_may_lie_in_the_private_ranges(tmp_path: Path, cidr: str) -> None:
    """Of which 10.0.0.0/12 is only a part of RFC 1918's."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context, cidr)
        (vpc,) = (await describe_vpcs(context, DescribeVpcs(vpc_ids=(vpc_id,)))).vpc_set

        assert vpc.cidr_block == cidr
        assert vpc.dns_server_set == ("183.60.83.19", "183.60.82.98")


@pytest.mark.parametrize(
    ("cidr", "code"),
    [
        pytest.param("10.16.0.0/16", "InvalidParameterValue", id="outside"),
        pytest.param("10.0.0.0/8", "InvalidParameterValue", id="too-large"),
        pytest.param("10.0.0.0/29", "InvalidParameterValue", id="too-small"),
        pytest.param("8.8.8.0/24", "InvalidParameterValue", id="public"),
        pytest.param("10.0.0.1/16", "InvalidParameterValue.Malformed", id="host-bits"),
        pytest.param("10.0.0.0", "InvalidParameterValue.Malformed", id="no-prefix"),
        pytest.param("ten", "InvalidParameterValue.Malformed", id="words"),
        pytest.param("::/0", "InvalidParameterValue.Malformed", id="ipv6"),
    ],
)
async def test_a_vpc_elsewhere_is_refused(tmp_path: Path, cidr: str, code: str) -> None:
    """With the code of the API."""
    async with open_context(tmp_path) as context:
        with refused(code):
            await vpc_of(context, cidr)


async def test_a_region_has_twenty_vpcs(tmp_path: Path) -> None:
    """The cloud's default quota."""
    async with open_context(tmp_path) as context:
        for _ in range(20):
            await vpc_of(context)
        with refused("VpcLimitExceeded"):
            await vpc_of(context)


async def test_a_subnet_says_how_many_addresses_are_free(tmp_path: Path) -> None:
    """Three are the network's own, others are taken by pods and links."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        made = await subnet_of(context, vpc_id, "10.0.1.0/24")
        address = Address(
            vpc_id=vpc_id,
            subnet_id=made.subnet_id,
            ip="10.0.1.7",
            owner=AddressOwner.POD,
            owner_id="uid",
        )
        await context.resources.addresses.create(vpc_id, address.ip, address)
        (shown,) = (await describe_subnets(context, DescribeSubnets())).subnet_set

        assert (made.total_ip_address_count, made.available_ip_address_count) == (253, 253)
        assert shown.available_ip_address_count == 252
        assert shown.route_table_id == f"rtb-{vpc_id[4:]}"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({"cidr": "10.1.0.0/24"}, "InvalidParameterValue.SubnetRange", id="outside"),
        pytest.param({"cidr": "10.0.1.0/15"}, "InvalidParameterValue.Malformed", id="host-bits"),
        pytest.param({"cidr": "10.0.9.0/30"}, "InvalidParameterValue.SubnetRange", id="small"),
        pytest.param({"cidr": "10.0.1.0/24"}, "InvalidParameterValue.SubnetConflict", id="same"),
        pytest.param({"cidr": "10.0.1.128/25"}, "InvalidParameterValue.SubnetOverlap", id="part"),
        pytest.param({"cidr": "10.0.0.0/16"}, "InvalidParameterValue.SubnetOverlap", id="all"),
        pytest.param({"vpc_id": "vpc-none"}, "ResourceNotFound", id="no-vpc"),
        pytest.param({"zone": "ap-tokyo-1"}, "InvalidParameterValue", id="zone"),
    ],
)
async def test_a_subnet_that_does_not_fit_is_refused(
    tmp_path: Path, change: dict[str, str], code: str
) -> None:
    """With the code of the API."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        await subnet_of(context, vpc_id, "10.0.1.0/24")
        with refused(code):
            await subnet_of(context, **({"vpc_id": vpc_id, "cidr": "10.0.2.0/24"} | change))


async def test_of_two_overlapping_subnets_created_at_once_one_is_refused(tmp_path: Path) -> None:
    """Each sees the other, because both write the VPC."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        answers = await asyncio.gather(
            *(subnet_of(context, vpc_id, f"10.0.{third}.0/23") for third in (0, 0, 2, 4)),
            return_exceptions=True,
        )

        codes = [answer.code for answer in answers if isinstance(answer, Refusal)]
        assert codes == ["InvalidParameterValue.SubnetConflict"]
        assert len(context.resources.subnets.list(vpc_id)) == 3


async def test_things_are_found_by_filter_or_by_id_but_not_by_both(tmp_path: Path) -> None:
    """And an id that does not exist is an error here, unlike in the registry's product."""
    async with open_context(tmp_path) as context:
        first = await vpc_of(context, name="first")
        await vpc_of(context, "192.168.0.0/16", name="second")
        await subnet_of(context, first, "10.0.1.0/24")
        by_name = (Filter(name="vpc-name", values=("second",)),)
        by_vpc = (Filter(name="vpc-id", values=(first,)),)

        found = await describe_vpcs(context, DescribeVpcs(filters=by_name, limit="5"))
        assert [vpc.vpc_name for vpc in found.vpc_set] == ["second"]
        subnets = await describe_subnets(context, DescribeSubnets(filters=by_vpc))
        assert subnets.total_count == 1
        for asked, code in (
            (DescribeVpcs(vpc_ids=("vpc-abcd1234",)), "ResourceNotFound"),
            (DescribeVpcs(vpc_ids=("x",)), "InvalidParameterValue.Malformed"),
            (DescribeVpcs(vpc_ids=(first,), filters=by_name), "InvalidParameter.Coexist"),
        ):
            with refused(code):
                await describe_vpcs(context, asked)


async def test_subnets_can_be_read_on_from_where_the_last_answer_ended(tmp_path: Path) -> None:
    """With a token instead of an offset; the last answer has none."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        made = [
            (await subnet_of(context, vpc_id, f"10.0.{third}.0/24")).subnet_id for third in range(5)
        ]
        seen, token = list[str](), ""
        for _ in range(3):
            asked = DescribeSubnets(max_results=2, next_token=token)
            page = await describe_subnets(context, asked)
            seen += [subnet.subnet_id for subnet in page.subnet_set]
            token = page.next_token
        with refused("InvalidParameterValue"):
            await describe_subnets(context, DescribeSubnets(max_results=2, next_token="next"))

        assert (seen, token) == (made, "")
