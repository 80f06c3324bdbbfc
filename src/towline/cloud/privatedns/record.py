"""Records of private zones: create, describe, change and delete them.

Every change of a record is a change of its zone, whose time of change it moves; so two changes of a
zone that are decided at once are written one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from towline.cloud.action import Action, Answer, AnyAction, Done, Parameters
from towline.cloud.context import Context, Resources
from towline.cloud.identifier import number_id
from towline.cloud.page import Filter, matching, part
from towline.cloud.privatedns.binding import zone_with
from towline.cloud.privatedns.record_rule import check, check_beside, check_quota
from towline.cloud.privatedns.service import check_subscribed
from towline.cloud.privatedns.zone import chosen
from towline.cloud.refusal import Refusal
from towline.cloud.transaction import Decision, settle
from towline.resource.private_zone import PrivateZone, ZoneRecord
from towline.store.write import Update

_TTL = 600  # seconds


class CreatePrivateZoneRecord(Parameters, frozen=True, kw_only=True):
    """What a new record is to say."""

    zone_id: str
    record_type: str
    sub_domain: str
    record_value: str
    weight: int = 0
    mx: int = msgspec.field(name="MX", default=0)
    ttl: int = msgspec.field(name="TTL", default=_TTL)
    remark: str = ""


class CreatedPrivateZoneRecord(Answer, frozen=True, kw_only=True):
    """The new record."""

    record_id: str


class DescribePrivateZoneRecordList(Parameters, frozen=True, kw_only=True):
    """Which records to show."""

    zone_id: str
    filters: tuple[Filter, ...] = ()
    offset: int = 0
    limit: int = 20


class PrivateZoneRecordInfo(Answer, frozen=True, kw_only=True):
    """One record, as the API shows it."""

    record_id: str
    zone_id: str
    sub_domain: str
    record_type: str
    record_value: str
    ttl: int = msgspec.field(name="TTL")
    mx: int = msgspec.field(name="MX")
    status: str = "ENABLED"
    weight: int | None
    created_on: str
    updated_on: str
    extra: str = ""
    enabled: int
    remark: str


class PrivateZoneRecords(Answer, frozen=True, kw_only=True):
    """Some of the records, and how many there are."""

    total_count: int
    record_set: tuple[PrivateZoneRecordInfo, ...]


class ModifyPrivateZoneRecord(Parameters, frozen=True, kw_only=True):
    """What the record is to say from now on; a TTL that is not given stays."""

    zone_id: str
    record_id: str
    record_type: str
    sub_domain: str
    record_value: str
    weight: int = 0
    mx: int = msgspec.field(name="MX", default=0)
    ttl: int | None = msgspec.field(name="TTL", default=None)
    remark: str | None = None


class DeletePrivateZoneRecord(Parameters, frozen=True, kw_only=True):
    """Which records to remove; `RecordId` counts if both are given."""

    zone_id: str = ""
    record_id: str = ""
    record_id_set: tuple[str, ...] = ()


async def create_private_zone_record(
    context: Context, asked: CreatePrivateZoneRecord
) -> CreatedPrivateZoneRecord:
    """Add a record; it is answered in the zone's VPCs at once."""
    resources = context.resources
    check_subscribed(resources)
    record = ZoneRecord(
        id=str(number_id(())),
        zone_id=asked.zone_id,
        subdomain=asked.sub_domain.lower(),
        type=asked.record_type.upper(),
        value=asked.record_value,
        ttl=asked.ttl,
        mx=asked.mx,
        weight=asked.weight,
        remark=asked.remark,
        created_at=context.now(),
        updated_at=context.now(),
    )

    def decide() -> Decision[CreatedPrivateZoneRecord]:
        zone = zone_with(resources, asked.zone_id)
        check(record, zone.domain)
        check_beside(record, resources.zone_records.list(zone.id))
        check_quota(len(resources.store.list(resources.zone_records.kind).records))
        creation = resources.zone_records.creation(zone.id, record.id, record)
        made = CreatedPrivateZoneRecord(record_id=record.id)
        return Decision([touch(context, zone), creation], made)

    return await settle(resources.store, decide)


async def describe_private_zone_record_list(
    context: Context, asked: DescribePrivateZoneRecordList
) -> PrivateZoneRecords:
    """Show the records of a zone in the order of their creation."""
    resources = context.resources
    check_subscribed(resources)
    zone = zone_with(resources, asked.zone_id)
    properties = {
        "Value": lambda record: (record.value, record.subdomain),
        "RecordType": lambda record: record.type,
        "SubDomain": lambda record: record.subdomain,
        "RecordValue": lambda record: record.value,
        "RecordId": lambda record: record.id,
    }
    found = matching(resources.zone_records.by_age(zone.id), asked.filters, properties)
    page = tuple(_told(record) for record in part(found, asked.offset, asked.limit))
    return PrivateZoneRecords(total_count=len(found), record_set=page)


async def modify_private_zone_record(context: Context, asked: ModifyPrivateZoneRecord) -> Done:
    """Let a record say something else."""
    resources = context.resources
    check_subscribed(resources)

    def decide() -> Decision[Done]:
        zone = zone_with(resources, asked.zone_id)
        held = _record(resources, zone, asked.record_id)
        changed = msgspec.structs.replace(
            held,
            subdomain=asked.sub_domain.lower(),
            type=asked.record_type.upper(),
            value=asked.record_value,
            weight=asked.weight,
            mx=asked.mx,
            ttl=held.ttl if asked.ttl is None else asked.ttl,
            remark=held.remark if asked.remark is None else asked.remark,
            updated_at=context.now(),
        )
        check(changed, zone.domain)
        others = [one for one in resources.zone_records.list(zone.id) if one.id != held.id]
        check_beside(changed, others)
        change = resources.zone_records.substitution(zone.id, held.id, changed)
        return Decision([touch(context, zone), change], Done())

    return await settle(resources.store, decide)


async def delete_private_zone_record(context: Context, asked: DeletePrivateZoneRecord) -> Done:
    """Remove records; all of them or none."""
    resources = context.resources
    check_subscribed(resources)
    ids = chosen("RecordId", asked.record_id, asked.record_id_set)

    def decide() -> Decision[Done]:
        zone = zone_with(resources, asked.zone_id)
        gone = [_record(resources, zone, id_) for id_ in ids]
        if zone.vpc_ids and len(gone) == len(resources.zone_records.list(zone.id)):
            raise Refusal(
                "FailedOperation.DeleteLastBindVpcRecordFailed",
                f"{zone.id} is bound to VPCs: unbind them before its last record is deleted.",
            )
        removals = [resources.zone_records.removal(zone.id, one.id) for one in gone]
        return Decision([touch(context, zone), *removals], Done())

    return await settle(resources.store, decide)


ACTIONS: Mapping[str, AnyAction] = {
    "CreatePrivateZoneRecord": Action(CreatePrivateZoneRecord, create_private_zone_record),
    "DescribePrivateZoneRecordList": Action(
        DescribePrivateZoneRecordList, describe_private_zone_record_list
    ),
    "ModifyPrivateZoneRecord": Action(ModifyPrivateZoneRecord, modify_private_zone_record),
    "DeletePrivateZoneRecord": Action(DeletePrivateZoneRecord, delete_private_zone_record),
}


def touch(context: Context, zone: PrivateZone) -> Update:
    """The write that moves a zone's time of change, if it still is as it is seen now."""
    touched = msgspec.structs.replace(zone, updated_at=context.now())
    return context.resources.private_zones.substitution("", zone.id, touched)


def _record(resources: Resources, zone: PrivateZone, record_id: str) -> ZoneRecord:
    record = resources.zone_records.get(zone.id, record_id)
    if record is None:
        raise Refusal("InvalidParameter.RecordNotExist", f"{zone.id} has no record {record_id}.")
    return record


def _told(record: ZoneRecord) -> PrivateZoneRecordInfo:
    return PrivateZoneRecordInfo(
        record_id=record.id,
        zone_id=record.zone_id,
        sub_domain=record.subdomain,
        record_type=record.type,
        record_value=record.value,
        ttl=record.ttl,
        mx=record.mx,
        weight=record.weight or None,
        created_on=record.created_at,
        updated_on=record.updated_at,
        enabled=int(record.enabled),
        remark=record.remark,
    )
