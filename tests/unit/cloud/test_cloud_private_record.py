"""Records of private zones: what they may say, beside which others, and how they are listed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clouds import open_context, refused

from towline.cloud.context import Context
from towline.cloud.page import Filter
from towline.cloud.privatedns.binding import (
    ModifyPrivateZoneVpc,
    VpcInfo,
    modify_private_zone_vpc,
)
from towline.cloud.privatedns.record import (
    CreatePrivateZoneRecord,
    DeletePrivateZoneRecord,
    DescribePrivateZoneRecordList,
    ModifyPrivateZoneRecord,
    PrivateZoneRecordInfo,
    create_private_zone_record,
    delete_private_zone_record,
    describe_private_zone_record_list,
    modify_private_zone_record,
)
from towline.cloud.privatedns.service import AskService, subscribe_private_zone_service
from towline.cloud.privatedns.zone import CreatePrivateZone, create_private_zone
from towline.cloud.vpc.vpc import CreateVpc, create_vpc
from towline.network.zone_record import TYPES, rdata_of
from towline.resource.private_zone import ZoneRecord


@dataclass(frozen=True)
class Place:
    """A zone in a cloud."""

    context: Context
    zone_id: str

    async def add(
        self, type_: str = "A", value: str = "10.0.0.1", name: str = "www", **more: Any
    ) -> str:
        """A new record."""
        asked = CreatePrivateZoneRecord(
            zone_id=self.zone_id, record_type=type_, sub_domain=name, record_value=value, **more
        )
        return (await create_private_zone_record(self.context, asked)).record_id

    async def shown(self, **asked: Any) -> tuple[PrivateZoneRecordInfo, ...]:
        """The records as they are told."""
        wanted = DescribePrivateZoneRecordList(zone_id=self.zone_id, **asked)
        return (await describe_private_zone_record_list(self.context, wanted)).record_set

    async def remove(self, *record_ids: str) -> None:
        """Delete records."""
        asked = DeletePrivateZoneRecord(zone_id=self.zone_id, record_id_set=record_ids)
        await delete_private_zone_record(self.context, asked)


@asynccontextmanager
async def place(folder: Path, domain: str = "corp.example") -> AsyncIterator[Place]:
    """A cloud with one zone."""
    async with open_context(folder) as context:
        await subscribe_private_zone_service(context, AskService())
        made = await create_private_zone(context, CreatePrivateZone(domain=domain))
        yield Place(context, made.zone_id)


async def test_a_record_is_told_as_it_was_made(tmp_path: Path) -> None:
    """Its TTL is ten minutes unless one says otherwise; names are in lower case."""
    async with place(tmp_path) as here:
        record_id = await here.add(name="WWW")
        await here.add("MX", "mail.corp.example.", "@", mx=10, ttl=60, remark="post")
        plain, mail = await here.shown()

        assert (plain.record_id, plain.sub_domain, plain.ttl) == (record_id, "www", 600)
        assert (plain.enabled, plain.status, plain.weight) == (1, "ENABLED", None)
        assert (mail.record_type, mail.mx, mail.ttl, mail.remark) == ("MX", 10, 60, "post")


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        pytest.param({"type_": "NS"}, "InvalidParameter", id="type"),
        pytest.param({"value": "10.0.0"}, "InvalidParameter.IllegalRecordValue", id="address"),
        pytest.param({"value": "::1"}, "InvalidParameter.IllegalRecordValue", id="family"),
        pytest.param(
            {"type_": "CNAME", "value": "a b"}, "InvalidParameter.IllegalRecordValue", id="alias"
        ),
        pytest.param(
            {"type_": "SRV", "value": "1 2 host"}, "InvalidParameter.IllegalRecordValue", id="srv"
        ),
        pytest.param(
            {"type_": "TXT", "value": ""}, "InvalidParameter.IllegalRecordValue", id="no-text"
        ),
        pytest.param({"name": "a..b"}, "InvalidParameter.IllegalRecord", id="name"),
        pytest.param({"name": "a.*"}, "InvalidParameter.IllegalRecord", id="star-within"),
        pytest.param({"ttl": 0}, "InvalidParameterValue.IllegalTTLValue", id="no-ttl"),
        pytest.param({"ttl": 86_401}, "InvalidParameterValue.IllegalTTLValue", id="ttl"),
        pytest.param(
            {"type_": "MX", "value": "a.b", "mx": 7}, "InvalidParameter.InvalidMX", id="preference"
        ),
        pytest.param({"mx": 5}, "InvalidParameter.MXNotSupported", id="preference-of-an-address"),
        pytest.param({"weight": 101}, "InvalidParameterValue", id="weight"),
        pytest.param(
            {"type_": "TXT", "value": "a", "weight": 1},
            "InvalidParameter.RecordUnsupportWeight",
            id="weight-of-a-text",
        ),
        pytest.param(
            {"type_": "PTR", "value": "a.b"}, "InvalidParameter.IllegalPTRRecord", id="forward-zone"
        ),
    ],
)
async def test_what_a_record_cannot_say_is_refused(
    tmp_path: Path, asked: dict[str, Any], code: str
) -> None:
    """With the code of the API, and nothing is stored."""
    async with place(tmp_path) as here:
        with refused(code):
            await here.add(**asked)

        assert await here.shown() == ()


async def test_reverse_zones_have_pointers(tmp_path: Path) -> None:
    """From an address to a name."""
    async with place(tmp_path, "0.0.10.in-addr.arpa") as here:
        await here.add("PTR", "host.corp.example", "5")

        assert [one.record_type for one in await here.shown()] == ["PTR"]


async def test_records_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    """The same twice; and an alias beside anything else of its name."""
    async with place(tmp_path) as here:
        await here.add()
        await here.add(value="10.0.0.2")
        await here.add("TXT", "10.0.0.1")
        await here.add("CNAME", "www.corp.example", "alias")
        with refused("InvalidParameter.RecordExist"):
            await here.add(name="WWW")
        with refused("InvalidParameter.RecordExist"):
            await here.add("CNAME", "WWW.corp.example.", "alias")
        with refused("InvalidParameter.RecordConflict"):
            await here.add("CNAME", "other.example")
        with refused("InvalidParameter.RecordConflict"):
            await here.add(name="alias")

        assert len(await here.shown()) == 4


async def test_a_name_has_so_many_records_of_a_type(tmp_path: Path) -> None:
    """Ten texts."""
    async with place(tmp_path) as here:
        for number in range(10):
            await here.add("TXT", str(number))
        with refused("InvalidParameter.RecordTXTCountExceed"):
            await here.add("TXT", "one more")


async def test_a_record_is_changed_as_a_whole(tmp_path: Path) -> None:
    """But for the TTL and the remark, which stay when they are not given."""
    async with place(tmp_path) as here:
        record_id = await here.add(ttl=60)
        other = await here.add(value="10.0.0.2")

        async def change(changed_id: str, value: str, zone_id: str = here.zone_id) -> None:
            asked = ModifyPrivateZoneRecord(
                zone_id=zone_id,
                record_id=changed_id,
                record_type="A",
                sub_domain="web",
                record_value=value,
            )
            await modify_private_zone_record(here.context, asked)

        await change(record_id, "10.0.0.3")
        first, _ = await here.shown()
        with refused("InvalidParameter.RecordExist"):
            await change(other, "10.0.0.3")
        with refused("InvalidParameter.RecordNotExist"):
            await change("1", "10.0.0.9")
        with refused("InvalidParameter.ZoneNotExists"):
            await change(record_id, "10.0.0.9", "zone-none")
        with refused("InvalidParameter.IllegalRecordValue"):
            await change(record_id, "ten")

        assert (first.sub_domain, first.record_value, first.ttl) == ("web", "10.0.0.3", 60)


async def test_the_last_record_of_a_bound_zone_stays(tmp_path: Path) -> None:
    """Whoever wants it gone unbinds the zone first."""
    async with place(tmp_path) as here:
        first, second = await here.add(), await here.add(value="10.0.0.2")
        made = await create_vpc(here.context, CreateVpc(vpc_name="v", cidr_block="10.0.0.0/16"))
        vpc = VpcInfo(uniq_vpc_id=made.vpc.vpc_id, region="ap-guangzhou")
        bound = ModifyPrivateZoneVpc(zone_id=here.zone_id, vpc_set=(vpc,))
        await modify_private_zone_vpc(here.context, bound)
        with refused("FailedOperation.DeleteLastBindVpcRecordFailed"):
            await here.remove(first, second)
        await here.remove(first)
        with refused("FailedOperation.DeleteLastBindVpcRecordFailed"):
            await here.remove(second)
        with refused("InvalidParameter.RecordNotExist"):
            await here.remove(first)
        await modify_private_zone_vpc(here.context, ModifyPrivateZoneVpc(zone_id=here.zone_id))
        await here.remove(second)

        assert await here.shown() == ()


async def test_records_are_listed_in_pages_and_by_filters(tmp_path: Path) -> None:
    """By type, and by what they are called or say."""
    async with place(tmp_path) as here:
        await here.add()
        await here.add("TXT", "hello", "note")

        async def values(**asked: Any) -> list[str]:
            return [one.record_value for one in await here.shown(**asked)]

        assert await values(offset=1) == ["hello"]
        assert await values(filters=(Filter(name="RecordType", values=("A",)),)) == ["10.0.0.1"]
        assert await values(filters=(Filter(name="Value", values=("note",)),)) == ["hello"]
        assert await values(filters=(Filter(name="Value", values=("10.0.0.1",)),)) == ["10.0.0.1"]


@given(type_=st.sampled_from(TYPES), value=st.text(max_size=80))
def test_a_value_is_either_of_its_type_or_refused(type_: str, value: str) -> None:
    """Nothing that a caller writes ends otherwise, and what is accepted can be sent."""
    record = ZoneRecord(
        id="", zone_id="", subdomain="@", type=type_, value=value, created_at="", updated_at=""
    )
    try:
        said = rdata_of(record)
    except ValueError:
        return

    assert said.to_wire()
