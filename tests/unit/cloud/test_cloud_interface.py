"""Network interfaces: who has which address of a VPC."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.clouds import ACCESS_IP, link_running, open_context, refused, running_instance
from tests.vpc_calls import ZONE, attached, call, eips_of, subnet_of, vpc_of

from towline.cloud.context import Context
from towline.resource.link import Link


async def interfaces(context: Context, **asked: Any) -> list[dict[str, Any]]:
    """Describe interfaces."""
    return list((await call(context, "DescribeNetworkInterfaces", **asked))["NetworkInterfaceSet"])


async def linked(context: Context, vpc_id: str, subnet_id: str) -> str:
    """A link that runs, from the VPC to an instance."""
    registry_id = await running_instance(context)
    link = Link(
        instance_id=registry_id, vpc_id=vpc_id, subnet_id=subnet_id, created_at=context.now()
    )
    await context.resources.links.create(vpc_id, registry_id, link)
    assert await interfaces(context) == []
    await link_running(context, vpc_id, registry_id)
    return registry_id


async def test_a_pod_and_a_link_are_shown_with_their_addresses(tmp_path: Path) -> None:
    """A link only when it has one."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        subnet_id = await subnet_of(context, vpc_id)
        registry_id = await linked(context, vpc_id, subnet_id)
        pod = await attached(context, vpc_id, subnet_id, "sg-abcd1234")
        first, second = await interfaces(context)

        assert first["NetworkInterfaceId"] == pod.id
        assert (first["NetworkInterfaceName"], first["Zone"]) == ("default/web-1", ZONE)
        assert (first["GroupSet"], first["Attachment"]["InstanceId"]) == (
            ("sg-abcd1234",),
            "uid-1",
        )
        assert first["PrivateIpAddressSet"][0]["PrivateIpAddress"] == pod.private_ip
        assert second["PrivateIpAddressSet"][0]["PrivateIpAddress"] == ACCESS_IP
        assert second["Attachment"]["InstanceId"] == registry_id


async def test_a_links_interface_keeps_its_id(tmp_path: Path) -> None:
    """And can be asked for by it."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        await linked(context, vpc_id, await subnet_of(context, vpc_id))
        (once,) = await interfaces(context)
        (again,) = await interfaces(context, NetworkInterfaceIds=[once["NetworkInterfaceId"]])

        assert again == once


async def test_an_interface_shows_the_public_address_that_is_bound_to_it(tmp_path: Path) -> None:
    """And is found by it."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        pod = await attached(context, vpc_id, await subnet_of(context, vpc_id))
        (one,) = await eips_of(context)
        await call(
            context,
            "AssociateAddress",
            AddressId=one["AddressId"],
            NetworkInterfaceId=pod.id,
            PrivateIpAddress=pod.private_ip,
        )
        filters = [{"Name": "public-address-ip", "Values": [one["AddressIp"]]}]
        (shown,) = await interfaces(context, Filters=filters)

        assert shown["NetworkInterfaceId"] == pod.id
        assert shown["PrivateIpAddressSet"][0]["AddressId"] == one["AddressId"]


async def test_interfaces_are_found_by_subnet_group_and_address(tmp_path: Path) -> None:
    """Page by page; one that does not exist is an error."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        subnet_id = await subnet_of(context, vpc_id)
        for number in (1, 2, 3):
            await attached(context, vpc_id, subnet_id, f"sg-0000000{number}", number=number)
        for name, value, count in (
            ("vpc-id", vpc_id, 3),
            ("subnet-id", subnet_id, 3),
            ("subnet-id", "subnet-abcd1234", 0),
            ("groups.security-group-id", "sg-00000002", 1),
            ("address-ip", "10.0.1.4", 1),
            ("attachment.instance-id", "uid-3", 1),
        ):
            filters = [{"Name": name, "Values": [value]}]
            found = await call(context, "DescribeNetworkInterfaces", Filters=filters)
            assert found["TotalCount"] == count
        with refused("ResourceNotFound"):
            await interfaces(context, NetworkInterfaceIds=["eni-abcd1234"])

        assert len(await interfaces(context, Offset=1, Limit=1)) == 1
