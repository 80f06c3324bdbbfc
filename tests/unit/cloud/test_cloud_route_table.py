"""Route tables: every VPC has a main one, every subnet is associated with exactly one."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.clouds import open_context, refused
from tests.vpc_calls import call, subnet_of, table_of, vpc_of

from towline.cloud.context import Context
from towline.cloud.refusal import Refusal


async def tables(context: Context, **asked: Any) -> list[dict[str, Any]]:
    """Describe route tables."""
    return list((await call(context, "DescribeRouteTables", **asked))["RouteTableSet"])


async def test_a_vpc_is_born_with_its_main_table(tmp_path: Path) -> None:
    """Without routes; the way inside the VPC is not written down."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        (main,) = await tables(context)

        assert (main["VpcId"], main["Main"], main["RouteSet"]) == (vpc_id, True, ())
        assert main["AssociationSet"] == ()


async def test_a_new_subnet_is_associated_with_the_main_table(tmp_path: Path) -> None:
    """Both the subnet and the table say so."""
    async with open_context(tmp_path) as context:
        subnet_id = await subnet_of(context, await vpc_of(context))
        (main,) = await tables(context)
        (subnet,) = (await call(context, "DescribeSubnets"))["SubnetSet"]

        assert subnet["RouteTableId"] == main["RouteTableId"]
        assert main["AssociationSet"] == (
            {"SubnetId": subnet_id, "RouteTableId": main["RouteTableId"]},
        )


async def test_a_subnet_moves_to_another_table_and_back(tmp_path: Path) -> None:
    """It is never associated with two."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        subnet_id = await subnet_of(context, vpc_id)
        other = await table_of(context, vpc_id)
        main = (await tables(context))[0]["RouteTableId"]
        seen = list[list[int]]()
        for table in (other, main):
            await call(
                context, "ReplaceRouteTableAssociation", RouteTableId=table, SubnetId=subnet_id
            )
            seen.append([len(one["AssociationSet"]) for one in await tables(context)])

        assert seen == [[0, 1], [1, 0]]


async def test_a_subnet_cannot_have_a_table_of_another_vpc(tmp_path: Path) -> None:
    """Tables belong to their VPC."""
    async with open_context(tmp_path) as context:
        subnet_id = await subnet_of(context, await vpc_of(context))
        table = await table_of(context, await vpc_of(context))
        with refused("UnsupportedOperation.VpcMismatch"):
            await call(
                context, "ReplaceRouteTableAssociation", RouteTableId=table, SubnetId=subnet_id
            )


async def test_the_main_table_and_tables_in_use_stay(tmp_path: Path) -> None:
    """A table is deleted when its last subnet has moved away."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        subnet_id = await subnet_of(context, vpc_id)
        other = await table_of(context, vpc_id)
        main = (await tables(context))[0]["RouteTableId"]
        move = {"RouteTableId": other, "SubnetId": subnet_id}
        await call(context, "ReplaceRouteTableAssociation", **move)
        with refused("UnsupportedOperation.DelDefaultRoute"):
            await call(context, "DeleteRouteTable", RouteTableId=main)
        with refused("UnsupportedOperation.DelRouteWithSubnet"):
            await call(context, "DeleteRouteTable", RouteTableId=other)
        await call(context, "ReplaceRouteTableAssociation", **(move | {"RouteTableId": main}))
        await call(context, "DeleteRouteTable", RouteTableId=other)

        assert [one["RouteTableId"] for one in await tables(context)] == [main]


async def test_a_table_is_not_deleted_while_a_subnet_moves_to_it(tmp_path: Path) -> None:
    """Whichever comes second of two requests at once is refused; no subnet is left without."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        subnet_id = await subnet_of(context, vpc_id)
        other = await table_of(context, vpc_id)
        answers = await asyncio.gather(
            call(context, "ReplaceRouteTableAssociation", RouteTableId=other, SubnetId=subnet_id),
            call(context, "DeleteRouteTable", RouteTableId=other),
            return_exceptions=True,
        )

        assert [type(one) for one in answers if one != {}] == [Refusal]
        associated = sum(len(one["AssociationSet"]) for one in await tables(context))
        assert associated == 1


async def test_tables_are_found_by_name_vpc_and_tag(tmp_path: Path) -> None:
    """And come with their routes only if these are wanted."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        tags = [{"Key": "team", "Value": "a"}]
        made = await call(
            context, "CreateRouteTable", VpcId=vpc_id, RouteTableName="egress", Tags=tags
        )
        id_ = made["RouteTable"]["RouteTableId"]
        route = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayType": "EIP", "GatewayId": "0"}
        await call(context, "CreateRoutes", RouteTableId=id_, Routes=[route])
        for filter_ in (
            {"Name": "route-table-name", "Values": ["egress"]},
            {"Name": "association.main", "Values": ["false"]},
            {"Name": "next-hop-type", "Values": ["EIP", "NAT"]},
            {"Name": "tag-key", "Values": ["team"]},
            {"Name": "tag:team", "Values": ["a", "b"]},
        ):
            (found,) = await tables(context, Filters=[filter_], Limit="5", Offset="0")
            assert (found["RouteTableId"], len(found["RouteSet"])) == (id_, 1)
        (bare,) = await tables(context, RouteTableIds=[id_], NeedRouterInfo=False)
        other = await tables(context, Filters=[{"Name": "tag:team", "Values": ["b"]}])

        assert (bare["RouteSet"], other) == ((), [])


async def test_a_table_can_be_renamed(tmp_path: Path) -> None:
    """To anything but nothing."""
    async with open_context(tmp_path) as context:
        table = await table_of(context, await vpc_of(context))
        await call(
            context, "ModifyRouteTableAttribute", RouteTableId=table, RouteTableName="nightly"
        )
        with refused("InvalidParameterValue"):
            await call(context, "ModifyRouteTableAttribute", RouteTableId=table, RouteTableName="")
        (shown,) = await tables(context, RouteTableIds=[table])

        assert shown["RouteTableName"] == "nightly"


@pytest.mark.parametrize(
    ("id_", "code"),
    [
        pytest.param("rtb-abcd1234", "ResourceNotFound", id="absent"),
        pytest.param("main", "InvalidParameterValue.Malformed", id="malformed"),
    ],
)
@pytest.mark.parametrize("action", ["DeleteRouteTable", "DescribeRouteTables"])
async def test_a_table_that_does_not_exist_is_an_error(
    tmp_path: Path, action: str, id_: str, code: str
) -> None:
    """Also when it is only looked for."""
    async with open_context(tmp_path) as context:
        name = "RouteTableId" if action == "DeleteRouteTable" else "RouteTableIds"
        with refused(code):
            await call(context, action, **{name: id_ if name == "RouteTableId" else [id_]})


async def test_a_vpc_has_ten_tables(tmp_path: Path) -> None:
    """The cloud's default quota, the main one included; requests at once do not get past it."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        answers = await asyncio.gather(
            *(table_of(context, vpc_id) for _ in range(12)), return_exceptions=True
        )

        assert [one.code for one in answers if isinstance(one, Refusal)] == ["LimitExceeded"] * 3
        assert len(context.resources.route_tables.list(vpc_id)) == 10


@pytest.mark.parametrize(
    ("action", "code"),
    [
        ("DescribeVpcs", "InvalidParameter.FilterInvalidKey"),
        ("DescribeSubnets", "InvalidParameter.FilterInvalidKey"),
        ("DescribeRouteTables", "InvalidParameter.FilterInvalidKey"),
        ("DescribeNatGateways", "InvalidParameter.FilterInvalidKey"),
        ("DescribeSecurityGroups", "InvalidParameter.FilterInvalidKey"),
        ("DescribeNetworkInterfaces", "InvalidParameter.FilterInvalidKey"),
        ("DescribeAddresses", "InvalidParameter.InvalidFilter"),
    ],
)
async def test_a_filter_that_there_is_not_is_an_error(
    tmp_path: Path, action: str, code: str
) -> None:
    """It would otherwise find everything or nothing."""
    async with open_context(tmp_path) as context:
        with refused(code):
            await call(context, action, Filters=[{"Name": "colour", "Values": ["red"]}])
