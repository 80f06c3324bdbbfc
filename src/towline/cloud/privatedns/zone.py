"""Private zones: create, describe, change and delete them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from towline.cloud.action import Action, Answer, AnyAction, Done, Parameters
from towline.cloud.context import Context, Resources
from towline.cloud.identifier import resource_id
from towline.cloud.page import Filter, matching, part
from towline.cloud.privatedns.binding import (
    AccountVpcInfo,
    VpcInfo,
    check_free,
    check_own,
    checked_vpcs,
    told_vpcs,
    witnesses,
    zone_with,
)
from towline.cloud.privatedns.domain import checked_domain
from towline.cloud.privatedns.service import check_subscribed
from towline.cloud.refusal import Refusal
from towline.cloud.tag import Tag, checked, tag_properties
from towline.cloud.transaction import Decision, removal, settle
from towline.resource.private_zone import PrivateZone
from towline.store.write import Delete

_QUOTA = 500  # zones of an account
_REMARK_LENGTH = 255
_ON, _OFF = "ENABLED", "DISABLED"


class TagInfo(Parameters, frozen=True, kw_only=True):
    """One tag, as this product calls it."""

    tag_key: str
    tag_value: str = ""


class CreatePrivateZone(Parameters, frozen=True, kw_only=True):
    """What a new zone is to be. `Vpcs` is what `VpcSet` was called once."""

    domain: str
    tag_set: tuple[TagInfo, ...] = ()
    vpc_set: tuple[VpcInfo, ...] = ()
    remark: str = ""
    dns_forward_status: str = _ON
    vpcs: tuple[VpcInfo, ...] = ()
    account_vpc_set: tuple[AccountVpcInfo, ...] = ()
    cname_speedup_status: str = _ON


class CreatedPrivateZone(Answer, frozen=True, kw_only=True):
    """The new zone."""

    zone_id: str
    domain: str


class DescribePrivateZone(Parameters, frozen=True, kw_only=True):
    """Which zone to show."""

    zone_id: str


class PrivateZoneInfo(Answer, frozen=True, kw_only=True):
    """One zone, as the API shows it."""

    zone_id: str
    owner_uin: int
    domain: str
    created_on: str
    updated_on: str
    record_count: int
    remark: str
    vpc_set: tuple[VpcInfo, ...]
    status: str
    dns_forward_status: str
    tags: tuple[TagInfo, ...]
    account_vpc_set: tuple[AccountVpcInfo, ...] = ()
    is_custom_tld: bool = False
    cname_speedup_status: str
    forward_rule_name: str = ""
    forward_rule_type: str = ""
    forward_address: str = ""
    end_point_name: str = ""
    deleted_vpc_set: tuple[VpcInfo, ...]


class ShownPrivateZone(Answer, frozen=True, kw_only=True):
    """The zone that was asked for."""

    private_zone: PrivateZoneInfo


class DescribePrivateZoneList(Parameters, frozen=True, kw_only=True):
    """Which zones to show."""

    offset: int = 0
    limit: int = 20
    filters: tuple[Filter, ...] = ()


class PrivateZones(Answer, frozen=True, kw_only=True):
    """Some of the zones, and how many there are."""

    total_count: int
    private_zone_set: tuple[PrivateZoneInfo, ...]


class ModifyPrivateZone(Parameters, frozen=True, kw_only=True):
    """What is to be otherwise; what is not given stays."""

    zone_id: str
    remark: str | None = None
    dns_forward_status: str | None = None
    cname_speedup_status: str | None = None


class DeletePrivateZone(Parameters, frozen=True, kw_only=True):
    """Which zones to remove; `ZoneId` counts if both are given."""

    zone_id: str = ""
    zone_id_set: tuple[str, ...] = ()


async def create_private_zone(context: Context, asked: CreatePrivateZone) -> CreatedPrivateZone:
    """Make a zone without records, bound to the VPCs that are named."""
    resources = context.resources
    check_subscribed(resources)
    zone = PrivateZone(
        id=resource_id("zone"),
        domain=checked_domain(asked.domain),
        recursion=_is_on("DnsForwardStatus", asked.dns_forward_status),
        cname_speedup=_is_on("CnameSpeedupStatus", asked.cname_speedup_status),
        remark=_checked_remark(asked.remark),
        created_at=context.now(),
        updated_at=context.now(),
        tags=checked([Tag(key=one.tag_key, value=one.tag_value) for one in asked.tag_set]),
    )

    def decide() -> Decision[CreatedPrivateZone]:
        if len(resources.private_zones.list()) >= _QUOTA:
            raise Refusal("LimitExceeded", f"There are at most {_QUOTA} private zones.")
        vpc_ids = checked_vpcs(context, (*asked.vpc_set, *asked.vpcs), asked.account_vpc_set)
        check_free(resources, zone.domain, vpc_ids)
        bound = msgspec.structs.replace(zone, vpc_ids=vpc_ids)
        creation = resources.private_zones.creation("", zone.id, bound)
        made = CreatedPrivateZone(zone_id=zone.id, domain=zone.domain)
        return Decision([*witnesses(resources, vpc_ids), creation], made)

    return await settle(resources.store, decide)


async def describe_private_zone(context: Context, asked: DescribePrivateZone) -> ShownPrivateZone:
    """Show one zone."""
    check_subscribed(context.resources)
    return ShownPrivateZone(
        private_zone=_told(context, zone_with(context.resources, asked.zone_id))
    )


async def describe_private_zone_list(
    context: Context, asked: DescribePrivateZoneList
) -> PrivateZones:
    """Show zones in the order of their creation, those of links among them."""
    check_subscribed(context.resources)
    properties = {
        "ZoneId": lambda zone: zone.id,
        "Domain": lambda zone: zone.domain,
        "Status": _status,
        "Vpc": lambda zone: zone.vpc_ids,
        "Remark": lambda zone: zone.remark,
        **tag_properties(asked.filters),
    }
    found = matching(context.resources.private_zones.by_age(), asked.filters, properties)
    page = tuple(_told(context, zone) for zone in part(found, asked.offset, asked.limit))
    return PrivateZones(total_count=len(found), private_zone_set=page)


async def modify_private_zone(context: Context, asked: ModifyPrivateZone) -> Done:
    """Change what is said of a zone, or whether its other names are public."""
    resources = context.resources
    check_subscribed(resources)

    def decide() -> Decision[Done]:
        zone = zone_with(resources, asked.zone_id)
        recursion, speedup = asked.dns_forward_status, asked.cname_speedup_status
        changed = msgspec.structs.replace(
            zone,
            remark=zone.remark if asked.remark is None else _checked_remark(asked.remark),
            recursion=zone.recursion
            if recursion is None
            else _is_on("DnsForwardStatus", recursion),
            cname_speedup=zone.cname_speedup
            if speedup is None
            else _is_on("CnameSpeedupStatus", speedup),
            updated_at=context.now(),
        )
        return Decision([resources.private_zones.substitution("", zone.id, changed)], Done())

    return await settle(resources.store, decide)


async def delete_private_zone(context: Context, asked: DeletePrivateZone) -> Done:
    """Remove zones with all their records; all of them or none."""
    resources = context.resources
    check_subscribed(resources)
    ids = chosen("ZoneId", asked.zone_id, asked.zone_id_set)

    def decide() -> Decision[Done]:
        writes = list[Delete]()
        for zone in [zone_with(resources, id_) for id_ in ids]:
            check_own(zone)
            if zone.vpc_ids:
                raise Refusal(
                    "UnsupportedOperation.ExistBoundVpc",
                    f"{zone.id} is still bound to {', '.join(zone.vpc_ids)}.",
                )
            writes += removals(resources, zone)
        return Decision(writes, Done())

    return await settle(resources.store, decide)


ACTIONS: Mapping[str, AnyAction] = {
    "CreatePrivateZone": Action(CreatePrivateZone, create_private_zone),
    "DescribePrivateZone": Action(DescribePrivateZone, describe_private_zone),
    "DescribePrivateZoneList": Action(DescribePrivateZoneList, describe_private_zone_list),
    "ModifyPrivateZone": Action(ModifyPrivateZone, modify_private_zone),
    "DeletePrivateZone": Action(DeletePrivateZone, delete_private_zone),
}


def removals(resources: Resources, zone: PrivateZone) -> list[Delete]:
    """The writes that remove a zone with all its records, if it still is as it is seen now."""
    return [
        removal(resources.private_zones, "", zone.id),
        *(
            resources.zone_records.removal(zone.id, one.id)
            for one in resources.zone_records.list(zone.id)
        ),
    ]


def chosen(parameter: str, single: str, several: Sequence[str]) -> tuple[str, ...]:
    """The ids that are meant, each once; refused when there are none."""
    ids = (single,) if single else tuple(dict.fromkeys(several))
    if not ids:
        raise Refusal("MissingParameter", f"The request is missing `{parameter}`.")
    return ids


def _is_on(parameter: str, text: str) -> bool:
    if text not in (_ON, _OFF):
        raise Refusal("InvalidParameterValue", f"`{parameter}` must be {_ON} or {_OFF}.")
    return text == _ON


def _checked_remark(text: str) -> str:
    if len(text) > _REMARK_LENGTH:
        raise Refusal("InvalidParameterValue", f"`Remark` has at most {_REMARK_LENGTH} characters.")
    return text


def _status(zone: PrivateZone) -> str:
    return _ON if zone.vpc_ids else "SUSPEND"


def _told(context: Context, zone: PrivateZone) -> PrivateZoneInfo:
    resources = context.resources
    gone = [one for one in zone.vpc_ids if resources.vpcs.record("", one) is None]
    return PrivateZoneInfo(
        zone_id=zone.id,
        owner_uin=int(context.uin) if context.uin.isdecimal() else 0,
        domain=zone.domain,
        created_on=zone.created_at,
        updated_on=zone.updated_at,
        record_count=len(resources.store.list(resources.zone_records.kind, zone.id).records),
        remark=zone.remark,
        vpc_set=told_vpcs(context, [one for one in zone.vpc_ids if one not in gone]),
        status=_status(zone),
        dns_forward_status=_ON if zone.recursion else _OFF,
        tags=tuple(TagInfo(tag_key=key, tag_value=value) for key, value in zone.tags.items()),
        cname_speedup_status=_ON if zone.cname_speedup else _OFF,
        deleted_vpc_set=told_vpcs(context, gone),
    )
