"""NAT gateways: asked for here, built by the agent, never without somebody's address at first."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.clouds import open_context, refused
from tests.vpc_calls import built, call, eip, eips_of, gateway_of, table_of, vpc_of

from towline.cloud.context import Context
from towline.cloud.refusal import Refusal


async def gateway(context: Context, id_: str) -> dict[str, Any]:
    """Describe one gateway."""
    (shown,) = (await call(context, "DescribeNatGateways", NatGatewayIds=[id_]))["NatGatewaySet"]
    return dict(shown)


def ips(shown: dict[str, Any]) -> list[str]:
    """The addresses of a gateway."""
    return [one["PublicIpAddress"] for one in shown["PublicIpAddressSet"]]


async def test_a_gateway_is_pending_until_it_is_built(tmp_path: Path) -> None:
    """With the cloud's sizes unless told otherwise."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        made = await gateway_of(context, vpc_id)
        await built(context, vpc_id, made["NatGatewayId"])
        shown = await gateway(context, made["NatGatewayId"])

        assert (made["State"], shown["State"]) == ("PENDING", "AVAILABLE")
        assert (made["VpcId"], made["InternetMaxBandwidthOut"]) == (vpc_id, 100)
        assert made["MaxConcurrentConnection"] == 1_000_000


async def test_a_gateway_gets_new_addresses_or_brings_its_own(tmp_path: Path) -> None:
    """Its own are told by IP; all are bound in the moment in which it is made."""
    async with open_context(tmp_path) as context:
        (own,) = await eips_of(context)
        made = await gateway_of(
            context,
            await vpc_of(context),
            PublicIpAddresses=[own["AddressIp"]],
            AddressCount=2,
            StockPublicIpAddressesBandwidthOut=20,
            PublicIpAddressesBandwidthOut=30,
        )
        addresses = (await call(context, "DescribeAddresses"))["AddressSet"]

        assert ips(made) == [one["AddressIp"] for one in addresses]
        assert {one["AddressStatus"] for one in addresses} == {"BIND"}
        assert {one["InstanceId"] for one in addresses} == {made["NatGatewayId"]}
        assert [one["Bandwidth"] for one in addresses] == [20, 30, 30]


async def test_a_standard_gateway_has_its_size_given(tmp_path: Path) -> None:
    """What is asked for does not count."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        made = await gateway_of(context, vpc_id, AddressCount=1, NatProductVersion=2)

        assert (made["InternetMaxBandwidthOut"], made["MaxConcurrentConnection"]) == (
            5000,
            2_000_000,
        )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({"AddressCount": 0}, "MissingParameter", id="no-addresses"),
        pytest.param(
            {"PublicIpAddresses": ["203.0.113.9"]},
            "UnsupportedOperation.PublicIpAddressIsNotExisted",
            id="foreign-address",
        ),
        pytest.param(
            {"PublicIpAddresses": ["eip-abcd1234"]}, "InvalidParameterValue.Malformed", id="an-id"
        ),
        pytest.param({"VpcId": "vpc-abcd1234"}, "InvalidVpcId.NotFound", id="no-vpc"),
        pytest.param({"VpcId": "office"}, "InvalidVpcId.Malformed", id="malformed-vpc"),
        pytest.param(
            {"InternetMaxBandwidthOut": 150}, "InvalidParameterValue.Range", id="bandwidth"
        ),
        pytest.param(
            {"MaxConcurrentConnection": 5}, "InvalidParameterValue.Range", id="connections"
        ),
        pytest.param({"NatGatewayName": ""}, "InvalidParameterValue", id="no-name"),
        pytest.param({"NatProductVersion": 3}, "InvalidParameterValue", id="version"),
        pytest.param(
            {"AddressCount": 11},
            "LimitExceeded.PublicIpAddressPerNatGatewayLimitExceeded",
            id="too-many-addresses",
        ),
        pytest.param(
            {"PublicIpAddressesBandwidthOut": 1000},
            "InvalidParameterValue.EIPBrandWidthOutInvalid",
            id="address-bandwidth",
        ),
    ],
)
async def test_a_gateway_that_cannot_be_is_refused(
    tmp_path: Path, change: dict[str, Any], code: str
) -> None:
    """And no address is allotted for it."""
    async with open_context(tmp_path) as context:
        asked = {"VpcId": await vpc_of(context), "NatGatewayName": "out", "AddressCount": 1}
        with refused(code):
            await call(context, "CreateNatGateway", **(asked | change))

        assert context.resources.nat_gateways.list() == ()
        assert context.resources.elastic_ips.list() == ()


async def test_gateways_are_told_of_the_quotas_of_addresses_in_words_of_their_own(
    tmp_path: Path,
) -> None:
    """Unlike who allots addresses himself."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        ids = [one["AddressId"] for one in await eips_of(context, 20)]
        with refused("LimitExceeded.AddressQuotaLimitExceeded"):
            await gateway_of(context, vpc_id)
        for _ in range(2):
            await call(context, "ReleaseAddresses", AddressIds=ids)
            ids = [one["AddressId"] for one in await eips_of(context, 10)]
        await call(context, "ReleaseAddresses", AddressIds=ids)
        with refused("LimitExceeded.DailyAllocateAddressQuotaLimitExceeded"):
            await gateway_of(context, vpc_id)


async def test_an_address_belongs_to_one_gateway(tmp_path: Path) -> None:
    """Of two gateways that bring the same at once, one is refused whole."""
    async with open_context(tmp_path) as context:
        (own,) = await eips_of(context)
        vpc_id = await vpc_of(context)
        answers = await asyncio.gather(
            *(
                gateway_of(context, vpc_id, PublicIpAddresses=[own["AddressIp"]], AddressCount=1)
                for _ in range(2)
            ),
            return_exceptions=True,
        )

        assert [one.code for one in answers if isinstance(one, Refusal)] == [
            "ResourceInUse.Address"
        ]
        assert len(context.resources.nat_gateways.list()) == 1
        assert len(context.resources.elastic_ips.list()) == 2


async def test_addresses_come_and_go(tmp_path: Path) -> None:
    """Each change is for the agent to carry out; the last address may go too."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        made = await gateway_of(context, vpc_id)
        id_ = made["NatGatewayId"]
        await built(context, vpc_id, id_)
        (own,) = await eips_of(context)
        named = {"NatGatewayId": id_, "PublicIpAddresses": [own["AddressIp"]]}
        await call(context, "AssociateNatGatewayAddress", **named)
        both = await gateway(context, id_)
        await built(context, vpc_id, id_)
        every = {"NatGatewayId": id_, "PublicIpAddresses": ips(both)}
        await call(context, "DisassociateNatGatewayAddress", **every)
        none = await gateway(context, id_)

        assert (both["State"], ips(both)) == ("UPDATING", [*ips(made), own["AddressIp"]])
        assert (none["State"], ips(none)) == ("UPDATING", [])
        freed = await eip(context, own["AddressId"])
        assert (freed["AddressStatus"], freed["InstanceId"]) == ("UNBIND", "")


async def test_a_gateway_remembers_the_addresses_that_it_has_no_more(tmp_path: Path) -> None:
    """Allowlists may still name them. One that comes back is not among them any more."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        made = await gateway_of(context, vpc_id, AddressCount=2)
        named = {"NatGatewayId": made["NatGatewayId"], "PublicIpAddresses": ips(made)}
        await call(context, "DisassociateNatGatewayAddress", **named)
        back = named | {"PublicIpAddresses": ips(made)[:1]}
        await call(context, "AssociateNatGatewayAddress", **back)
        held = context.resources.nat_gateways.get(vpc_id, made["NatGatewayId"])

        assert held is not None
        assert list(held.former_addresses) == ips(made)[1:]


async def test_a_gateway_that_is_not_built_yet_stays_pending(tmp_path: Path) -> None:
    """Whatever is changed of it."""
    async with open_context(tmp_path) as context:
        made = await gateway_of(context, await vpc_of(context))
        more = {"NatGatewayId": made["NatGatewayId"], "AddressCount": 1}
        await call(context, "AssociateNatGatewayAddress", **more)
        shown = await gateway(context, made["NatGatewayId"])

        assert (shown["State"], len(ips(shown))) == ("PENDING", 2)


@pytest.mark.parametrize(
    ("action", "change", "code"),
    [
        pytest.param("AssociateNatGatewayAddress", {}, "MissingParameter", id="none-more"),
        pytest.param(
            "AssociateNatGatewayAddress",
            {"AddressCount": 10},
            "LimitExceeded.PublicIpAddressPerNatGatewayLimitExceeded",
            id="too-many",
        ),
        pytest.param(
            "AssociateNatGatewayAddress",
            {"AddressCount": 1, "IpAddressEnableMode": False},
            "UnsupportedOperation",
            id="disabled",
        ),
        pytest.param(
            "DisassociateNatGatewayAddress",
            {"PublicIpAddresses": []},
            "MissingParameter",
            id="none-less",
        ),
        pytest.param(
            "DisassociateNatGatewayAddress",
            {"PublicIpAddresses": ["198.19.0.11"]},
            "ResourceNotFound",
            id="not-its",
        ),
        pytest.param(
            "DisassociateNatGatewayAddress",
            {"NatGatewayId": "nat-abcd1234", "PublicIpAddresses": ["198.19.0.11"]},
            "ResourceNotFound",
            id="no-gateway",
        ),
    ],
)
async def test_a_change_of_addresses_that_cannot_be_is_refused(
    tmp_path: Path, action: str, change: dict[str, Any], code: str
) -> None:
    """And nothing changes."""
    async with open_context(tmp_path) as context:
        made = await gateway_of(context, await vpc_of(context))
        (free,) = await eips_of(context)
        with refused(code):
            await call(context, action, **({"NatGatewayId": made["NatGatewayId"]} | change))

        assert free["AddressIp"] == "198.19.0.11"
        assert await gateway(context, made["NatGatewayId"]) == made
        assert len(context.resources.elastic_ips.list()) == 2


async def test_deleting_a_gateway_takes_its_routes_and_frees_its_addresses(tmp_path: Path) -> None:
    """In the same moment; the rest is the agent's, and then it is no longer listed."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        made, kept = await gateway_of(context, vpc_id), await gateway_of(context, vpc_id)
        table = await table_of(context, vpc_id)
        routes = [
            {
                "DestinationCidrBlock": cidr,
                "GatewayType": "NAT",
                "GatewayId": target["NatGatewayId"],
            }
            for cidr, target in (("0.0.0.0/0", made), ("172.20.0.0/16", kept))
        ]
        await call(context, "CreateRoutes", RouteTableId=table, Routes=routes)
        id_ = made["NatGatewayId"]
        await call(context, "DeleteNatGateway", NatGatewayId=id_)
        shown = await call(context, "DescribeRouteTables", RouteTableIds=[table])
        left = [one["GatewayId"] for one in shown["RouteTableSet"][0]["RouteSet"]]
        going = await gateway(context, id_)
        with refused("ResourceNotFound"):
            await call(context, "DeleteNatGateway", NatGatewayId=id_)
        await built(context, vpc_id, id_)
        gone = await call(context, "DescribeNatGateways", NatGatewayIds=[id_])

        assert left == [kept["NatGatewayId"]]
        assert (going["State"], ips(going)) == ("DELETING", [])
        freed = await eip(context, made["PublicIpAddressSet"][0]["AddressId"])
        assert freed["AddressStatus"] == "UNBIND"
        assert (gone["TotalCount"], gone["NatGatewaySet"]) == (0, ())


async def test_a_protected_gateway_is_not_deleted(tmp_path: Path) -> None:
    """Until the protection is taken off."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        made = await gateway_of(context, vpc_id, AddressCount=1, DeletionProtectionEnabled=True)
        named = {"NatGatewayId": made["NatGatewayId"]}
        with refused("UnsupportedOperation.DeletionProtectionEnabled"):
            await call(context, "DeleteNatGateway", **named)
        await call(context, "ModifyNatGatewayAttribute", **named, DeletionProtectionEnabled=False)
        await call(context, "DeleteNatGateway", **named)

        assert (await gateway(context, made["NatGatewayId"]))["State"] == "DELETING"


async def test_only_a_change_of_size_is_the_agents_business(tmp_path: Path) -> None:
    """A name is not."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        id_ = (await gateway_of(context, vpc_id))["NatGatewayId"]
        states = list[str]()
        for action, change in (
            ("ModifyNatGatewayAttribute", {"NatGatewayName": "egress"}),
            ("ModifyNatGatewayAttribute", {"InternetMaxBandwidthOut": 500}),
            ("ResetNatGatewayConnection", {"MaxConcurrentConnection": 3_000_000}),
        ):
            await built(context, vpc_id, id_)
            await call(context, action, NatGatewayId=id_, **change)
            states.append((await gateway(context, id_))["State"])
        shown = await gateway(context, id_)

        assert states == ["AVAILABLE", "UPDATING", "UPDATING"]
        assert (shown["NatGatewayName"], shown["InternetMaxBandwidthOut"]) == ("egress", 500)
        assert shown["MaxConcurrentConnection"] == 3_000_000


async def test_terraforms_task_runs_until_gateways_come_to_rest(tmp_path: Path) -> None:
    """It asks with the id of the request."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        id_ = (await gateway_of(context, vpc_id))["NatGatewayId"]
        asked = {"TaskId": "0a1b2c3d-0000-4000-8000-0a1b2c3d4e5f"}
        before = await call(context, "DescribeVpcTaskResult", **asked)
        await built(context, vpc_id, id_)
        after = await call(context, "DescribeVpcTaskResult", **asked)
        with refused("InvalidParameterValue.Malformed"):
            await call(context, "DescribeVpcTaskResult", TaskId="1")

        assert (before["Status"], after["Status"]) == ("RUNNING", "SUCCESS")


async def test_a_vpc_has_ten_gateways(tmp_path: Path) -> None:
    """The cloud's default quota."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        for _ in range(10):
            await gateway_of(context, vpc_id)
        with refused("LimitExceeded.NatGatewayPerVpcLimitExceeded"):
            await gateway_of(context, vpc_id)


async def test_gateways_are_found_by_vpc_name_and_state(tmp_path: Path) -> None:
    """But not by id and filter together."""
    async with open_context(tmp_path) as context:
        first, second = await vpc_of(context), await vpc_of(context)
        made, _ = await gateway_of(context, first), await gateway_of(context, second)
        await built(context, first, made["NatGatewayId"])
        for name, value in (("vpc-id", first), ("nat-state", "AVAILABLE")):
            filters = [{"Name": name, "Values": [value]}]
            found = await call(context, "DescribeNatGateways", Filters=filters)
            assert [one["NatGatewayId"] for one in found["NatGatewaySet"]] == [made["NatGatewayId"]]
        with refused("InvalidParameter.Coexist"):
            await call(
                context,
                "DescribeNatGateways",
                NatGatewayIds=[made["NatGatewayId"]],
                Filters=[{"Name": "vpc-id", "Values": [first]}],
            )
