"""Private zones: made, bound to VPCs, changed and removed, and what is refused on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.clouds import open_context, refused

from towline.cloud.context import Context
from towline.cloud.page import Filter
from towline.cloud.privatedns.binding import (
    AccountVpcInfo,
    ModifyPrivateZoneVpc,
    VpcInfo,
    modify_private_zone_vpc,
)
from towline.cloud.privatedns.record import (
    CreatePrivateZoneRecord,
    create_private_zone_record,
)
from towline.cloud.privatedns.service import (
    AskService,
    describe_private_zone_service,
    subscribe_private_zone_service,
)
from towline.cloud.privatedns.zone import (
    CreatePrivateZone,
    DeletePrivateZone,
    DescribePrivateZone,
    DescribePrivateZoneList,
    ModifyPrivateZone,
    PrivateZoneInfo,
    TagInfo,
    create_private_zone,
    delete_private_zone,
    describe_private_zone,
    describe_private_zone_list,
    modify_private_zone,
)
from towline.cloud.refusal import Refusal
from towline.cloud.vpc.vpc import CreateVpc, DeleteVpc, create_vpc, delete_vpc

REGION = "ap-guangzhou"


@asynccontextmanager
async def subscribed(folder: Path) -> AsyncIterator[Context]:
    """A cloud where private zones may be made."""
    async with open_context(folder) as context:
        await subscribe_private_zone_service(context, AskService())
        yield context


async def vpc(context: Context) -> VpcInfo:
    """A new VPC."""
    made = await create_vpc(context, CreateVpc(vpc_name="v", cidr_block="10.0.0.0/16"))
    return VpcInfo(uniq_vpc_id=made.vpc.vpc_id, region=REGION)


async def zone(context: Context, *vpcs: VpcInfo, domain: str = "corp.example", **more: Any) -> str:
    """A new zone."""
    asked = CreatePrivateZone(domain=domain, vpc_set=vpcs, **more)
    return (await create_private_zone(context, asked)).zone_id


async def shown(context: Context, zone_id: str) -> PrivateZoneInfo:
    """A zone as it is told."""
    asked = DescribePrivateZone(zone_id=zone_id)
    return (await describe_private_zone(context, asked)).private_zone


async def bind(context: Context, zone_id: str, *vpcs: VpcInfo) -> tuple[VpcInfo, ...]:
    """Bind a zone to exactly these VPCs."""
    asked = ModifyPrivateZoneVpc(zone_id=zone_id, vpc_set=vpcs)
    return (await modify_private_zone_vpc(context, asked)).vpc_set


async def test_one_subscribes_before_the_first_zone(tmp_path: Path) -> None:
    """And need not care whether one has already."""
    async with open_context(tmp_path) as context:
        before = await describe_private_zone_service(context, AskService())
        with refused("ResourceNotFound.ServiceNotSubscribed"):
            await zone(context)
        first = await subscribe_private_zone_service(context, AskService())
        again = await subscribe_private_zone_service(context, AskService())

        assert before.service_status == "DISABLED"
        assert first.service_status == again.service_status == "ENABLED"
        assert await zone(context)


async def test_a_zone_is_told_as_it_was_made(tmp_path: Path) -> None:
    """Without a VPC it is suspended; the recursion is on unless one says otherwise."""
    async with subscribed(tmp_path) as context:
        place = await vpc(context)
        tags = (TagInfo(tag_key="team", tag_value="net"),)
        plain = await shown(context, await zone(context, domain="Corp.Example."))
        other = await shown(
            context,
            await zone(
                context,
                place,
                domain="other.example",
                tag_set=tags,
                dns_forward_status="DISABLED",
                remark="r",
            ),
        )

        assert plain.zone_id.startswith("zone-")
        assert (plain.domain, plain.status, plain.record_count) == ("corp.example", "SUSPEND", 0)
        assert (plain.dns_forward_status, plain.cname_speedup_status) == ("ENABLED", "ENABLED")
        assert (other.status, other.vpc_set, other.tags) == ("ENABLED", (place,), tags)
        assert (other.dns_forward_status, other.remark) == ("DISABLED", "r")


@pytest.mark.parametrize(
    ("domain", "code"),
    [
        pytest.param("", "InvalidParameter.IllegalDomain", id="empty"),
        pytest.param("a..example", "InvalidParameter.IllegalDomain", id="empty-label"),
        pytest.param("-a.example", "InvalidParameter.IllegalDomain", id="dash"),
        pytest.param("a b.example", "InvalidParameter.IllegalDomain", id="space"),
        pytest.param(f"{'a' * 64}.example", "InvalidParameter.IllegalDomain", id="long-label"),
        pytest.param(f"{'a.' * 130}example", "InvalidParameter.IllegalDomain", id="long"),
        pytest.param("example", "InvalidParameter.IllegalDomainTld", id="top-level"),
        pytest.param("10.0.0.1", "InvalidParameter.IllegalDomainTld", id="address"),
        pytest.param("x.tencentyun.com", "InvalidParameterValue.ReservedDomain", id="reserved"),
    ],
)
async def test_what_is_no_domain_is_refused(tmp_path: Path, domain: str, code: str) -> None:
    """With the code of the API."""
    async with subscribed(tmp_path) as context:
        with refused(code):
            await zone(context, domain=domain)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        pytest.param({"dns_forward_status": "on"}, "InvalidParameterValue", id="switch"),
        pytest.param({"remark": "a" * 256}, "InvalidParameterValue", id="remark"),
        pytest.param(
            {"vpc_set": (VpcInfo(uniq_vpc_id="vpc-none", region=REGION),)},
            "InvalidParameter.IllegalVpcInfo",
            id="vpc",
        ),
        pytest.param(
            {"account_vpc_set": (AccountVpcInfo(uniq_vpc_id="v", region=REGION, uin="1"),)},
            "UnsupportedOperation.AccountNotBound",
            id="other-account",
        ),
    ],
)
async def test_what_cannot_be_made_is_refused(
    tmp_path: Path, more: dict[str, Any], code: str
) -> None:
    """And nothing is half made."""
    async with subscribed(tmp_path) as context:
        with refused(code):
            await create_private_zone(context, CreatePrivateZone(domain="corp.example", **more))

        assert context.resources.private_zones.list() == ()


async def test_a_vpc_has_one_zone_of_a_domain(tmp_path: Path) -> None:
    """Two zones may have the same domain, but not in the same VPC."""
    async with subscribed(tmp_path) as context:
        here, there = await vpc(context), await vpc(context)
        await zone(context, here)
        with refused("InvalidParameter.VpcBinded"):
            await zone(context, here)
        other = await zone(context, there)
        with refused("InvalidParameter.VpcBinded"):
            await bind(context, other, here, there)

        assert await bind(context, other, there) == (there,)
        assert await zone(context, here, domain="sub.corp.example")


async def test_of_two_who_bind_at_once_one_is_refused(tmp_path: Path) -> None:
    """However close they are."""
    async with subscribed(tmp_path) as context:
        here = await vpc(context)
        made = await asyncio.gather(
            *(zone(context, here) for _ in range(5)), return_exceptions=True
        )
        refusals = [one for one in made if isinstance(one, Refusal)]

        assert len(refusals) == 4
        assert {one.code for one in refusals} == {"InvalidParameter.VpcBinded"}
        assert len(context.resources.private_zones.list()) == 1


async def test_binding_replaces_all_vpcs(tmp_path: Path) -> None:
    """The set that is given is the set that is; in a region that exists."""
    async with subscribed(tmp_path) as context:
        here, there = await vpc(context), await vpc(context)
        zone_id = await zone(context, here)
        moved = await bind(context, zone_id, there, there)
        with refused("InvalidParameter.IllegalVpcInfo"):
            await bind(context, zone_id, VpcInfo(uniq_vpc_id=here.uniq_vpc_id, region="ap-x"))
        with refused("InvalidParameter.ZoneNotExists"):
            await bind(context, "zone-none")

        assert moved == (await shown(context, zone_id)).vpc_set == (there,)
        assert await bind(context, zone_id) == ()


async def test_a_vpc_that_is_deleted_stays_bound(tmp_path: Path) -> None:
    """It is told apart from those that stand, and goes when the set is written anew."""
    async with subscribed(tmp_path) as context:
        here = await vpc(context)
        zone_id = await zone(context, here)
        await delete_vpc(context, DeleteVpc(vpc_id=here.uniq_vpc_id))
        after = await shown(context, zone_id)
        with refused("UnsupportedOperation.ExistBoundVpc"):
            await delete_private_zone(context, DeletePrivateZone(zone_id=zone_id))
        await bind(context, zone_id)

        assert (after.vpc_set, after.deleted_vpc_set) == ((), (here,))
        assert (await shown(context, zone_id)).deleted_vpc_set == ()


async def test_a_zone_is_changed_in_parts(tmp_path: Path) -> None:
    """What is not given stays."""
    async with subscribed(tmp_path) as context:
        zone_id = await zone(context, remark="before")
        await modify_private_zone(
            context, ModifyPrivateZone(zone_id=zone_id, dns_forward_status="DISABLED")
        )
        first = await shown(context, zone_id)
        await modify_private_zone(context, ModifyPrivateZone(zone_id=zone_id, remark=""))
        second = await shown(context, zone_id)
        with refused("InvalidParameter.ZoneNotExists"):
            await modify_private_zone(context, ModifyPrivateZone(zone_id="zone-none"))

        assert (first.remark, first.dns_forward_status) == ("before", "DISABLED")
        assert (second.remark, second.dns_forward_status) == ("", "DISABLED")


async def test_zones_are_deleted_together_or_not_at_all(tmp_path: Path) -> None:
    """With their records; one that is bound keeps all the others."""
    async with subscribed(tmp_path) as context:
        here = await vpc(context)
        bound = await zone(context, here)
        free = await zone(context, domain="other.example")
        record = CreatePrivateZoneRecord(
            zone_id=free, record_type="A", sub_domain="@", record_value="10.0.0.1"
        )
        await create_private_zone_record(context, record)
        with refused("UnsupportedOperation.ExistBoundVpc"):
            await delete_private_zone(context, DeletePrivateZone(zone_id_set=(free, bound)))
        kept = await shown(context, free)
        await bind(context, bound)
        await delete_private_zone(context, DeletePrivateZone(zone_id_set=(free, bound)))
        with refused("MissingParameter"):
            await delete_private_zone(context, DeletePrivateZone())

        assert kept.record_count == 1
        assert context.resources.private_zones.list() == ()
        assert context.resources.zone_records.list() == ()


async def test_zones_are_listed_in_pages_and_by_filters(tmp_path: Path) -> None:
    """In the order of their creation."""
    async with subscribed(tmp_path) as context:
        here = await vpc(context)
        await zone(context, here, domain="b.example")
        await zone(context, domain="a.example")

        async def domains(**asked: Any) -> list[str]:
            found = await describe_private_zone_list(context, DescribePrivateZoneList(**asked))
            return [one.domain for one in found.private_zone_set]

        assert await domains() == ["b.example", "a.example"]
        assert await domains(offset=1, limit=1) == ["a.example"]
        assert await domains(filters=(Filter(name="Status", values=("SUSPEND",)),)) == ["a.example"]
        vpc_filter = Filter(name="Vpc", values=(here.uniq_vpc_id,))
        assert await domains(filters=(vpc_filter,)) == ["b.example"]
        with refused("InvalidParameter"):
            await domains(filters=(Filter(name="Colour", values=("red",)),))
