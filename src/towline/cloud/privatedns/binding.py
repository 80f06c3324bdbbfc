"""Which VPCs a zone is bound to: ModifyPrivateZoneVpc, and the rules that all bindings follow.

A VPC has at most one zone of a domain, else nobody could say which one answers. The zones that the
links of a VPC make are an exception among themselves: the resolver takes them for one. Whoever binds
a zone writes the VPC as it is, so that of two who do so at once one sees the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from towline.cloud.action import Action, Answer, AnyAction, Parameters
from towline.cloud.context import Context, Resources
from towline.cloud.privatedns.service import check_subscribed
from towline.cloud.refusal import Refusal
from towline.cloud.transaction import Decision, settle, witness
from towline.resource.private_zone import PrivateZone
from towline.store.write import Update


class VpcInfo(Parameters, frozen=True, kw_only=True):
    """A VPC, as it is given and as it is told."""

    uniq_vpc_id: str
    region: str


class AccountVpcInfo(Parameters, frozen=True, kw_only=True):
    """A VPC of another account."""

    uniq_vpc_id: str
    region: str
    uin: str
    vpc_name: str = ""


class ModifyPrivateZoneVpc(Parameters, frozen=True, kw_only=True):
    """All VPCs that the zone is to be bound to, in place of those it is."""

    zone_id: str
    vpc_set: tuple[VpcInfo, ...] = ()
    account_vpc_set: tuple[AccountVpcInfo, ...] = ()


class BoundVpcs(Answer, frozen=True, kw_only=True):
    """The VPCs that the zone is bound to."""

    zone_id: str
    vpc_set: tuple[VpcInfo, ...]
    account_vpc_set: tuple[AccountVpcInfo, ...] = ()


async def modify_private_zone_vpc(context: Context, asked: ModifyPrivateZoneVpc) -> BoundVpcs:
    """Bind a zone to exactly these VPCs."""
    resources = context.resources
    check_subscribed(resources)

    def decide() -> Decision[BoundVpcs]:
        zone = zone_with(resources, asked.zone_id)
        check_own(zone)
        vpc_ids = checked_vpcs(context, asked.vpc_set, asked.account_vpc_set)
        fresh = [one for one in vpc_ids if one not in zone.vpc_ids]
        check_free(resources, zone.domain, fresh)
        bound = msgspec.structs.replace(zone, vpc_ids=vpc_ids, updated_at=context.now())
        writes = [
            *witnesses(resources, fresh),
            resources.private_zones.substitution("", zone.id, bound),
        ]
        return Decision(writes, BoundVpcs(zone_id=zone.id, vpc_set=told_vpcs(context, vpc_ids)))

    return await settle(resources.store, decide)


ACTIONS: Mapping[str, AnyAction] = {
    "ModifyPrivateZoneVpc": Action(ModifyPrivateZoneVpc, modify_private_zone_vpc),
}


def zone_with(resources: Resources, zone_id: str) -> PrivateZone:
    """The zone with this id; refused when there is none."""
    zone = resources.private_zones.get("", zone_id)
    if zone is None:
        raise Refusal("InvalidParameter.ZoneNotExists", f"The zone {zone_id} does not exist.")
    return zone


def check_own(zone: PrivateZone) -> None:
    """Refuse for a zone that comes and goes with a link."""
    if zone.link_instance_id:
        raise Refusal(
            "OperationDenied",
            f"{zone.id} belongs to an access linkage of {zone.link_instance_id}: it goes when the "
            "resolution of the linkage is switched off (DeleteInternalEndpointDns).",
        )


def checked_vpcs(
    context: Context, vpcs: Sequence[VpcInfo], others: Sequence[AccountVpcInfo]
) -> tuple[str, ...]:
    """The ids of VPCs that exist; refused when one does not."""
    if others:
        raise Refusal(
            "UnsupportedOperation.AccountNotBound", "There are no VPCs of other accounts here."
        )
    for vpc in vpcs:
        here = vpc.region == context.settings.region
        if not here or context.resources.vpcs.record("", vpc.uniq_vpc_id) is None:
            raise Refusal(
                "InvalidParameter.IllegalVpcInfo",
                f"There is no VPC {vpc.uniq_vpc_id} in {vpc.region}.",
            )
    return tuple(dict.fromkeys(vpc.uniq_vpc_id for vpc in vpcs))


def check_free(resources: Resources, domain: str, vpc_ids: Sequence[str]) -> None:
    """Refuse when one of the VPCs is bound to a zone of this domain."""
    for zone in resources.private_zones.list():
        if zone.domain == domain and (both := set(vpc_ids).intersection(zone.vpc_ids)):
            raise Refusal(
                "InvalidParameter.VpcBinded",
                f"{', '.join(sorted(both))} is already bound to {zone.id}, which has the same "
                f"domain {domain}.",
            )


def witnesses(resources: Resources, vpc_ids: Sequence[str]) -> list[Update]:
    """The writes that leave the VPCs as they are, if nobody binds something to them meanwhile."""
    return [witness(resources.vpcs, "", vpc_id) for vpc_id in vpc_ids]


def told_vpcs(context: Context, vpc_ids: Sequence[str]) -> tuple[VpcInfo, ...]:
    """VPCs as answers show them."""
    region = context.settings.region
    return tuple(VpcInfo(uniq_vpc_id=vpc_id, region=region) for vpc_id in vpc_ids)
