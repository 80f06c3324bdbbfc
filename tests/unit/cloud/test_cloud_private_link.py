"""The private zone of a link: it comes with the first domain that is switched on, goes with the last,
and is an ordinary zone in between.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
from tests.clouds import ACCESS_IP, link_running, open_context, refused, running_instance

from towline.cloud.context import Context
from towline.cloud.founding import found
from towline.cloud.privatedns.binding import (
    ModifyPrivateZoneVpc,
    VpcInfo,
    modify_private_zone_vpc,
)
from towline.cloud.privatedns.record import (
    ModifyPrivateZoneRecord,
    modify_private_zone_record,
)
from towline.cloud.privatedns.service import AskService, describe_private_zone_service
from towline.cloud.privatedns.zone import (
    CreatePrivateZone,
    DeletePrivateZone,
    DescribePrivateZoneList,
    ModifyPrivateZone,
    create_private_zone,
    delete_private_zone,
    describe_private_zone_list,
    modify_private_zone,
)
from towline.cloud.tcr.instance import DeleteInstance, delete_instance
from towline.cloud.tcr.link import ManageInternalEndpoint, manage_internal_endpoint
from towline.cloud.tcr.resolution import (
    DescribeStatus,
    VpcAndDomain,
    create_internal_endpoint_dns,
    delete_internal_endpoint_dns,
    describe_internal_endpoint_dns_status,
)
from towline.cloud.vpc.subnet import CreateSubnet, create_subnet
from towline.cloud.vpc.vpc import CreateVpc, create_vpc
from towline.resource.link import Link

SUFFIX = "tencentcloudcr.com"


async def linked(context: Context, name: str = "demo", vpc_id: str = "") -> VpcAndDomain:
    """An instance with a running link from a VPC, a new one unless it is given."""
    registry_id = await running_instance(context, name)
    if not vpc_id:
        made = await create_vpc(context, CreateVpc(vpc_name="v", cidr_block="10.0.0.0/16"))
        vpc_id = made.vpc.vpc_id
    number = len(context.resources.subnets.list())
    asked = CreateSubnet(
        vpc_id=vpc_id,
        subnet_name="s",
        zone="ap-guangzhou-1",
        cidr_block=f"10.0.{number}.0/24",
    )
    subnet_id = (await create_subnet(context, asked)).subnet.subnet_id
    link = ManageInternalEndpoint(
        registry_id=registry_id, operation="Create", vpc_id=vpc_id, subnet_id=subnet_id
    )
    await manage_internal_endpoint(context, link)
    await link_running(context, vpc_id, registry_id)
    return VpcAndDomain(
        instance_id=registry_id, vpc_id=vpc_id, eni_lb_ip=ACCESS_IP, use_public_domain=True
    )


def vpc_domain(of: VpcAndDomain) -> VpcAndDomain:
    """The other domain of the link."""
    return msgspec.structs.replace(of, use_public_domain=False)


def records(context: Context) -> dict[str, str]:
    """What is said in all zones."""
    return {one.subdomain: one.value for one in context.resources.zone_records.list()}


async def status(context: Context, *domains: VpcAndDomain) -> list[str]:
    """Which domains are resolved."""
    asked = DescribeStatus(vpc_set=domains)
    answer = await describe_internal_endpoint_dns_status(context, asked)
    return [one.status for one in answer.vpc_set]


async def test_a_link_that_is_resolved_has_a_zone(tmp_path: Path) -> None:
    """Of the domain of all registries, with a record for each domain that is on."""
    async with open_context(tmp_path) as context:
        domain = await linked(context)
        assert records(context) == {}
        await create_internal_endpoint_dns(context, domain)
        await create_internal_endpoint_dns(context, vpc_domain(domain))
        await create_internal_endpoint_dns(context, domain)
        service = await describe_private_zone_service(context, AskService())
        (zone,) = (
            await describe_private_zone_list(context, DescribePrivateZoneList())
        ).private_zone_set

        assert service.service_status == "ENABLED"
        assert (zone.domain, zone.status, zone.record_count) == (SUFFIX, "ENABLED", 2)
        assert zone.dns_forward_status == "ENABLED"
        assert [one.uniq_vpc_id for one in zone.vpc_set] == [domain.vpc_id]
        assert records(context) == {"demo": ACCESS_IP, "demo-vpc": ACCESS_IP}


async def test_the_zone_goes_with_the_last_domain(tmp_path: Path) -> None:
    """Switching off what is off is no error."""
    async with open_context(tmp_path) as context:
        domain = await linked(context)
        await create_internal_endpoint_dns(context, domain)
        await create_internal_endpoint_dns(context, vpc_domain(domain))
        await delete_internal_endpoint_dns(context, domain)
        left = records(context)
        await delete_internal_endpoint_dns(context, vpc_domain(domain))
        await delete_internal_endpoint_dns(context, vpc_domain(domain))

        assert left == {"demo-vpc": ACCESS_IP}
        assert context.resources.private_zones.list() == ()
        assert context.resources.zone_records.list() == ()


async def test_links_of_one_vpc_have_a_zone_each(tmp_path: Path) -> None:
    """And one that is removed takes nothing from the other."""
    async with open_context(tmp_path) as context:
        first = await linked(context)
        second = await linked(context, "other", first.vpc_id)
        await create_internal_endpoint_dns(context, first)
        await create_internal_endpoint_dns(context, second)
        both = len(context.resources.private_zones.list())
        await delete_internal_endpoint_dns(context, first)

        assert both == 2
        assert records(context) == {"other": ACCESS_IP}
        assert await status(context, first, second) == ["DISABLED", "ENABLED"]


async def test_a_zone_of_somebody_else_is_in_the_way(tmp_path: Path) -> None:
    """A VPC has one zone of a domain: nobody could say which one answers."""
    async with open_context(tmp_path) as context:
        domain = await linked(context)
        await create_internal_endpoint_dns(context, await linked(context, "other"))
        place = VpcInfo(uniq_vpc_id=domain.vpc_id, region="ap-guangzhou")
        mine = CreatePrivateZone(domain=SUFFIX, vpc_set=(place,))
        await create_private_zone(context, mine)
        with refused("InternalError.CreatePrivateZone"):
            await create_internal_endpoint_dns(context, domain)

        assert await status(context, domain) == ["DISABLED"]


async def test_a_links_zone_cannot_be_taken_from_it(tmp_path: Path) -> None:
    """It goes by switching the resolution off; nor can another of its domain be bound beside it."""
    async with open_context(tmp_path) as context:
        domain = await linked(context)
        await create_internal_endpoint_dns(context, domain)
        (zone,) = context.resources.private_zones.list()
        with refused("OperationDenied"):
            await delete_private_zone(context, DeletePrivateZone(zone_id=zone.id))
        with refused("OperationDenied"):
            await modify_private_zone_vpc(context, ModifyPrivateZoneVpc(zone_id=zone.id))
        place = VpcInfo(uniq_vpc_id=domain.vpc_id, region="ap-guangzhou")
        with refused("InvalidParameter.VpcBinded"):
            await create_private_zone(context, CreatePrivateZone(domain=SUFFIX, vpc_set=(place,)))

        assert await status(context, domain) == ["ENABLED"]


async def test_a_record_that_is_changed_by_hand_is_an_error_of_the_link(tmp_path: Path) -> None:
    """The zone is an ordinary one in this; switching on again mends it."""
    async with open_context(tmp_path) as context:
        domain = await linked(context)
        await create_internal_endpoint_dns(context, domain)
        (record,) = context.resources.zone_records.list()
        asked = ModifyPrivateZoneRecord(
            zone_id=record.zone_id,
            record_id=record.id,
            record_type="A",
            sub_domain="demo",
            record_value="10.9.9.9",
        )
        await modify_private_zone_record(context, asked)
        closing = ModifyPrivateZone(zone_id=record.zone_id, dns_forward_status="DISABLED")
        await modify_private_zone(context, closing)
        broken = await status(context, domain)
        await create_internal_endpoint_dns(context, domain)

        assert broken == ["ERROR"]
        assert await status(context, domain) == ["ENABLED"]
        assert records(context) == {"demo": ACCESS_IP}


async def test_an_instance_takes_its_zones_along(tmp_path: Path) -> None:
    """At once: its names must not lead to an address that may soon be somebody else's."""
    async with open_context(tmp_path) as context:
        domain = await linked(context)
        await create_internal_endpoint_dns(context, domain)
        await delete_instance(context, DeleteInstance(registry_id=domain.instance_id))

        assert context.resources.private_zones.list() == ()
        assert records(context) == {}


async def test_links_of_an_older_installation_get_their_zones(tmp_path: Path) -> None:
    """Once, when the cloud begins to serve; those that are off stay off."""
    async with open_context(tmp_path) as context:
        resources = context.resources
        await found(resources, "ap-guangzhou", context.clock)
        domain = await linked(context)

        def old(link: Link) -> Link:
            return msgspec.structs.replace(link, resolve_vpc_domain=True)

        await resources.links.update(domain.vpc_id, domain.instance_id, old)
        await found(resources, "ap-guangzhou", context.clock)
        await found(resources, "ap-guangzhou", context.clock)

        assert records(context) == {"demo-vpc": ACCESS_IP}
        assert await status(context, domain, vpc_domain(domain)) == ["DISABLED", "ENABLED"]
