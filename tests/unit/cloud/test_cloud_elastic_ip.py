"""Elastic IPs: public addresses of the account, which it may bind, change and give back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.clouds import NOW, open_context, refused, running_instance
from tests.vpc_calls import attached, call, eip, eips_of, gateway_of, subnet_of, vpc_of

from towline.cloud.context import Context
from towline.cloud.public_address import free_address
from towline.cloud.refusal import Refusal
from towline.resource.elastic_ip import ElasticIp, ElasticIpStatus
from towline.resource.network_interface import NetworkInterface


async def pod_of(context: Context, number: int = 1) -> NetworkInterface:
    """A pod that is plugged into a VPC of its own."""
    vpc_id = await vpc_of(context)
    return await attached(context, vpc_id, await subnet_of(context, vpc_id), number=number)


async def done(context: Context, id_: str) -> None:
    """Do what the agent would: finish binding or unbinding."""

    def finish(held: ElasticIp) -> ElasticIp:
        if held.status is ElasticIpStatus.BINDING:
            return msgspec.structs.replace(held, status=ElasticIpStatus.BIND)
        return msgspec.structs.replace(
            held, status=ElasticIpStatus.UNBIND, bound_to="", private_ip=""
        )

    await context.resources.elastic_ips.update("", id_, finish)


def target(interface: NetworkInterface) -> dict[str, str]:
    """How the API names an interface's address."""
    return {
        "NetworkInterfaceId": interface.id,
        "PrivateIpAddress": interface.private_ip,
    }


async def test_addresses_are_allotted_unbound(tmp_path: Path) -> None:
    """Different ones, from the range that stands for the internet, with what was asked for."""
    async with open_context(tmp_path) as context:
        one, other = await eips_of(
            context, 2, AddressName="out", InternetMaxBandwidthOut=10, Tags=[{"Key": "a"}]
        )

        assert one["AddressIp"] != other["AddressIp"]
        assert one["AddressIp"].startswith("198.19.")
        assert (one["AddressStatus"], one["InstanceId"]) == ("UNBIND", "")
        assert (one["AddressName"], one["Bandwidth"]) == ("out", 10)
        assert one["TagSet"] == ({"Key": "a", "Value": ""},)


async def test_an_address_is_never_an_instances_too(tmp_path: Path) -> None:
    """Both take theirs by one kind of claim, whoever comes first."""
    async with open_context(tmp_path) as context:
        taken = list[str]()
        for name in ("first", "second"):
            registry_id = await running_instance(context, name, "premium")
            taken.append(context.resources.instance(registry_id).public_address)
            taken += [one["AddressIp"] for one in await eips_of(context, 2)]

        assert len(set(taken)) == 6
        assert {
            claim.owner_id[:4] for claim in context.resources.claims.list("public-address")
        } == {
            "tcr-",
            "eip-",
        }


async def test_a_released_address_is_the_accounts_no_more(tmp_path: Path) -> None:
    """It is no longer listed, and who takes a new one at once has another."""
    async with open_context(tmp_path) as context:
        (one,) = await eips_of(context)
        await call(context, "ReleaseAddresses", AddressIds=[one["AddressId"]])
        gone = await call(context, "DescribeAddresses", AddressIds=[one["AddressId"]])
        (again,) = await eips_of(context)

        assert (gone["TotalCount"], gone["AddressSet"]) == (0, ())
        assert again["AddressIp"] != one["AddressIp"]


async def test_an_address_comes_back_when_there_is_no_other(tmp_path: Path) -> None:
    """The range is not used up by giving back."""
    async with open_context(tmp_path) as context:
        resources, range_ = context.resources, IPv4Network("198.19.0.0/28")
        given = list[str]()
        for _ in range(5):
            (one,) = await eips_of(context)
            given.append(one["AddressIp"])
        with refused("OperationDenied.QuotaOverLimit"):
            free_address(resources, range_)
        released = await call(
            context, "DescribeAddresses", Filters=[{"Name": "address-ip", "Values": given[2:3]}]
        )
        ids = [one["AddressId"] for one in released["AddressSet"]]
        await call(context, "ReleaseAddresses", AddressIds=ids)

        assert free_address(resources, range_) == given[2]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({"AddressCount": 0}, "InvalidParameterValue.Range", id="none"),
        pytest.param({"AddressCount": 21}, "InvalidParameterValue.Range", id="too-many"),
        pytest.param(
            {"InternetMaxBandwidthOut": 0}, "InvalidParameterValue.BandwidthOutOfRange", id="slow"
        ),
        pytest.param(
            {"InternetMaxBandwidthOut": 101}, "InvalidParameterValue.BandwidthOutOfRange", id="fast"
        ),
        pytest.param({"InternetChargeType": "FREE"}, "InvalidParameterValue", id="charge-type"),
        pytest.param({"AddressType": "AnycastEIP"}, "UnsupportedOperation", id="type"),
        pytest.param(
            {"InternetServiceProvider": "CMCC"}, "UnsupportedOperation.IspNotSupported", id="line"
        ),
        pytest.param(
            {"BandwidthPackageId": "bwp-1"},
            "UnsupportedOperation.BandwidthPackageIdNotSupported",
            id="package",
        ),
        pytest.param({"ClientToken": "x" * 65}, "InvalidParameterValue.TooLong", id="token"),
        pytest.param({"ClientToken": "ä"}, "InvalidParameterValue", id="token-not-ascii"),
        pytest.param({"AddressName": "x" * 61}, "InvalidParameterValue.TooLong", id="name"),
        pytest.param(
            {"Tags": [{"Key": "a"}, {"Key": "a"}]},
            "InvalidParameterValue.TagDuplicateKey",
            id="tag-twice",
        ),
        pytest.param(
            {"Tags": [{"Key": ""}]}, "InvalidParameterValue.TagInvalidKeyLen", id="empty-tag"
        ),
    ],
)
async def test_what_cannot_be_allotted_is_refused(
    tmp_path: Path, change: dict[str, Any], code: str
) -> None:
    """And nothing is."""
    async with open_context(tmp_path) as context:
        with refused(code):
            await call(context, "AllocateAddresses", **change)

        assert context.resources.elastic_ips.list() == ()


async def test_the_quota_holds_for_requests_at_once(tmp_path: Path) -> None:
    """Twenty addresses in a region, all of a request or none."""
    async with open_context(tmp_path) as context:
        answers = await asyncio.gather(
            *(call(context, "AllocateAddresses", AddressCount=7) for _ in range(4)),
            return_exceptions=True,
        )

        codes = [one.code for one in answers if isinstance(one, Refusal)]
        assert codes == ["AddressQuotaLimitExceeded"] * 2
        addresses = [one.address for one in context.resources.elastic_ips.list()]
        assert len(set(addresses)) == 14


async def test_twice_the_quota_is_allotted_on_one_day(tmp_path: Path) -> None:
    """Giving back does not help; waiting until tomorrow does."""
    async with open_context(tmp_path) as context:
        for _ in range(2):
            ids = [one["AddressId"] for one in await eips_of(context, 20)]
            await call(context, "ReleaseAddresses", AddressIds=ids)
        with refused("AddressQuotaLimitExceeded.DailyAllocate"):
            await eips_of(context)
        later = replace(context, clock=lambda: NOW + timedelta(days=1))

        assert len(await eips_of(later)) == 1


async def test_a_repeated_request_is_known_by_its_token(tmp_path: Path) -> None:
    """Also when both come at once; another request may not use it."""
    async with open_context(tmp_path) as context:
        asked = {"AddressCount": 2, "ClientToken": "once"}
        answers = await asyncio.gather(
            *(call(context, "AllocateAddresses", **asked) for _ in range(3))
        )
        with refused("UnsupportedOperation.IdempotentParameterMismatch"):
            await call(context, "AllocateAddresses", **(asked | {"AddressCount": 1}))

        assert len({one["AddressSet"] for one in answers}) == 1
        assert len(context.resources.elastic_ips.list()) == 2


async def test_an_address_is_bound_to_a_pods_interface_and_taken_off(tmp_path: Path) -> None:
    """The agent does it; until then the task runs."""
    async with open_context(tmp_path) as context:
        pod = await pod_of(context)
        (one,) = await eips_of(context)
        id_ = one["AddressId"]

        async def look(task: str) -> tuple[str, str, str]:
            result = (await call(context, "DescribeTaskResult", TaskId=int(task)))["Result"]
            shown = await eip(context, id_)
            return result, shown["AddressStatus"], shown["NetworkInterfaceId"]

        binding = (await call(context, "AssociateAddress", AddressId=id_, **target(pod)))["TaskId"]
        seen = [await look(binding)]
        await done(context, id_)
        seen.append(await look(binding))
        leaving = (await call(context, "DisassociateAddress", AddressId=id_))["TaskId"]
        seen.append(await look(leaving))
        await done(context, id_)
        seen.append(await look(leaving))

        assert seen == [
            ("RUNNING", "BINDING", pod.id),
            ("SUCCESS", "BIND", pod.id),
            ("RUNNING", "UNBINDING", pod.id),
            ("SUCCESS", "UNBIND", ""),
        ]


async def test_one_interface_has_one_address(tmp_path: Path) -> None:
    """Of two that are bound to it at once, one is refused."""
    async with open_context(tmp_path) as context:
        pod = await pod_of(context)
        pair = await eips_of(context, 2)
        answers = await asyncio.gather(
            *(
                call(context, "AssociateAddress", AddressId=one["AddressId"], **target(pod))
                for one in pair
            ),
            return_exceptions=True,
        )

        codes = [one.code for one in answers if isinstance(one, Refusal)]
        assert codes == ["InvalidPrivateIpAddress.AlreadyBindEip"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({"AddressId": "eip-abcd1234"}, "InvalidAddressId.NotFound", id="no-address"),
        pytest.param(
            {"AddressId": "198.19.0.10"}, "InvalidParameterValue.AddressIdMalformed", id="an-ip"
        ),
        pytest.param(
            {"NetworkInterfaceId": "eni-abcd1234"},
            "InvalidNetworkInterfaceId.NotFound",
            id="no-interface",
        ),
        pytest.param(
            {"PrivateIpAddress": "10.0.1.99"},
            "InvalidNetworkInterfaceId.NotFound",
            id="not-its-address",
        ),
        pytest.param({"PrivateIpAddress": ""}, "MissingParameter", id="half"),
        pytest.param({"InstanceId": "ins-abcd1234"}, "InvalidParameterConflict", id="both"),
    ],
)
async def test_a_binding_that_cannot_be_is_refused(
    tmp_path: Path, change: dict[str, str], code: str
) -> None:
    """And the address stays free."""
    async with open_context(tmp_path) as context:
        pod = await pod_of(context)
        (one,) = await eips_of(context)
        with refused(code):
            await call(
                context,
                "AssociateAddress",
                **({"AddressId": one["AddressId"], **target(pod)} | change),
            )

        assert (await eip(context, one["AddressId"]))["AddressStatus"] == "UNBIND"


@pytest.mark.parametrize(
    ("instance", "code"),
    [
        pytest.param("ins-abcd1234", "InvalidInstanceId.NotFound", id="machine"),
        pytest.param("nat-abcd1234", "InvalidParameterValue.ResourceNotSupport", id="gateway"),
    ],
)
async def test_an_address_is_bound_to_no_machine(tmp_path: Path, instance: str, code: str) -> None:
    """There are none here, and gateways have actions of their own."""
    async with open_context(tmp_path) as context:
        (one,) = await eips_of(context)
        with refused(code):
            await call(context, "AssociateAddress", AddressId=one["AddressId"], InstanceId=instance)


async def test_a_bound_address_is_neither_bound_again_nor_released(tmp_path: Path) -> None:
    """Nor is a free one taken off, and of several none is released."""
    async with open_context(tmp_path) as context:
        pod = await pod_of(context)
        bound, free = (one["AddressId"] for one in await eips_of(context, 2))
        with refused("InvalidAddressIdStatus.NotPermit"):
            await call(context, "DisassociateAddress", AddressId=bound)
        await call(context, "AssociateAddress", AddressId=bound, **target(pod))
        with refused("UnsupportedOperation.AddressStatusNotPermit"):
            await call(context, "AssociateAddress", AddressId=bound, **target(pod))
        with refused("InvalidAddressState"):
            await call(context, "ReleaseAddresses", AddressIds=[free, bound])

        assert len(context.resources.elastic_ips.list()) == 2


async def test_an_address_of_a_gateway_is_not_taken_off_by_its_id(tmp_path: Path) -> None:
    """But by `DisassociateNatGatewayAddress`."""
    async with open_context(tmp_path) as context:
        gateway = await gateway_of(context, await vpc_of(context))
        (one,) = gateway["PublicIpAddressSet"]
        with refused("InvalidInstance.NotSupported"):
            await call(context, "DisassociateAddress", AddressId=one["AddressId"])


async def test_bandwidth_and_name_can_be_changed(tmp_path: Path) -> None:
    """The bandwidth of several at once, within what their way of payment allows."""
    async with open_context(tmp_path) as context:
        prepaid = "BANDWIDTH_PREPAID_BY_MONTH"
        (cheap,) = await eips_of(context)
        (dear,) = await eips_of(context, InternetChargeType=prepaid)
        ids = [cheap["AddressId"], dear["AddressId"]]
        await call(context, "ModifyAddressesBandwidth", AddressIds=ids, InternetMaxBandwidthOut=100)
        with refused("InvalidParameterValue.BandwidthOutOfRange"):
            await call(
                context, "ModifyAddressesBandwidth", AddressIds=ids, InternetMaxBandwidthOut=200
            )
        await call(
            context, "ModifyAddressesBandwidth", AddressIds=ids[1:], InternetMaxBandwidthOut=200
        )
        await call(context, "ModifyAddressAttribute", AddressId=ids[0], AddressName="egress")
        shown = [await eip(context, id_) for id_ in ids]

        assert [one["Bandwidth"] for one in shown] == [100, 200]
        assert [one["AddressName"] for one in shown] == ["egress", ""]


async def test_addresses_are_found_by_what_they_are_bound_to(tmp_path: Path) -> None:
    """Page by page."""
    async with open_context(tmp_path) as context:
        gateway = await gateway_of(context, await vpc_of(context))
        (theirs,) = gateway["PublicIpAddressSet"]
        await eips_of(context, 3)
        for name, value in (
            ("instance-id", gateway["NatGatewayId"]),
            ("instance-type", "NAT"),
            ("address-status", "BIND"),
            ("address-ip", theirs["PublicIpAddress"]),
        ):
            filters = [{"Name": name, "Values": [value]}]
            (found,) = (await call(context, "DescribeAddresses", Filters=filters))["AddressSet"]
            assert found["AddressId"] == theirs["AddressId"]
        free = [{"Name": "address-status", "Values": ["UNBIND"]}]
        page = await call(context, "DescribeAddresses", Filters=free, Offset=1, Limit=5)

        assert (page["TotalCount"], len(page["AddressSet"])) == (3, 2)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        pytest.param({"TaskId": 10**9}, "InvalidParameter", id="of-the-future"),
        pytest.param({"TaskId": 0}, "InvalidParameter", id="zero"),
        pytest.param({}, "MissingParameter", id="missing"),
    ],
)
async def test_a_task_that_does_not_exist_has_no_result(
    tmp_path: Path, asked: dict[str, int], code: str
) -> None:
    """A task is a write that has happened."""
    async with open_context(tmp_path) as context:
        await eips_of(context)
        with refused(code):
            await call(context, "DescribeTaskResult", **asked)


async def test_addresses_survive_a_restart(tmp_path: Path) -> None:
    """With what they are bound to, and what was given out today."""
    async with open_context(tmp_path) as context:
        gateway = await gateway_of(context, await vpc_of(context), AddressCount=3)
        before = await call(context, "DescribeAddresses")
    async with open_context(tmp_path) as context:
        after = await call(context, "DescribeAddresses")
        again = await call(context, "DescribeNatGateways")

    assert after == before
    assert again["NatGatewaySet"] == (gateway,)
