"""Private domain resolution of a link: Create…, Delete…InternalEndpointDns and their status.

Resolution can be switched on only when the link's access address exists. These actions call the
instance `InstanceId` and the access address `EniLBIp`, unlike all the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from towline.cloud.action import Action, Answer, AnyAction, Done, Parameters
from towline.cloud.context import Context
from towline.cloud.refusal import Refusal
from towline.resource.link import Link, LinkStatus
from towline.store.error import NotFound


class VpcAndDomain(Parameters, frozen=True, kw_only=True):
    """One domain of one link: the default domain if `UsePublicDomain`, else `<name>-vpc`."""

    instance_id: str
    vpc_id: str
    eni_lb_ip: str = msgspec.field(name="EniLBIp")
    use_public_domain: bool = False
    region_name: str = ""
    region_id: int = 0


class DescribeStatus(Parameters, frozen=True, kw_only=True):
    """Which domains to show."""

    vpc_set: tuple[VpcAndDomain, ...]


class DomainStatus(Answer, frozen=True, kw_only=True):
    """Whether one of the domains asked for is resolved."""

    region: str
    vpc_id: str
    status: str


class DomainStatuses(Answer, frozen=True, kw_only=True):
    """One status for each domain asked for, in the same order."""

    vpc_set: tuple[DomainStatus, ...]


async def create_internal_endpoint_dns(context: Context, asked: VpcAndDomain) -> Done:
    """Let a domain resolve to the access address inside the VPC."""

    def switch_on(link: Link) -> Link:
        if link.status is not LinkStatus.RUNNING or not link.access_ip:
            raise Refusal(
                "UnsupportedOperation",
                f"The access linkage to {link.vpc_id} is {link.status}: it has no access IP yet.",
            )
        if link.access_ip != asked.eni_lb_ip:
            raise Refusal(
                "InvalidParameter",
                f"EniLBIp {asked.eni_lb_ip} is not the linkage's access IP {link.access_ip}.",
            )
        if asked.use_public_domain:
            return msgspec.structs.replace(link, resolve_default_domain=True)
        return msgspec.structs.replace(link, resolve_vpc_domain=True)

    return await _update(context, asked, switch_on)


async def delete_internal_endpoint_dns(context: Context, asked: VpcAndDomain) -> Done:
    """Let a domain resolve to the public address again."""

    def switch_off(link: Link) -> Link:
        if asked.use_public_domain:
            return msgspec.structs.replace(link, resolve_default_domain=False)
        return msgspec.structs.replace(link, resolve_vpc_domain=False)

    return await _update(context, asked, switch_off)


async def describe_internal_endpoint_dns_status(
    context: Context, asked: DescribeStatus
) -> DomainStatuses:
    """Show for each domain whether it is resolved; a link that is gone resolves nothing."""
    shown = tuple(
        DomainStatus(
            region=domain.region_name or context.settings.region,
            vpc_id=domain.vpc_id,
            status="ENABLED" if _is_on(context, domain) else "DISABLED",
        )
        for domain in asked.vpc_set
    )
    return DomainStatuses(vpc_set=shown)


ACTIONS: Mapping[str, AnyAction] = {
    "CreateInternalEndpointDns": Action(VpcAndDomain, create_internal_endpoint_dns),
    "DeleteInternalEndpointDns": Action(VpcAndDomain, delete_internal_endpoint_dns),
    "DescribeInternalEndpointDnsStatus": Action(
        DescribeStatus, describe_internal_endpoint_dns_status
    ),
}


async def _update(context: Context, asked: VpcAndDomain, change: Callable[[Link], Link]) -> Done:
    instance = context.resources.instance(asked.instance_id)
    try:
        await context.resources.links.update(asked.vpc_id, instance.id, change)
    except NotFound:
        raise Refusal(
            "ResourceNotFound",
            f"The registry {instance.id} has no access linkage to {asked.vpc_id}.",
        ) from None
    return Done()


def _is_on(context: Context, domain: VpcAndDomain) -> bool:
    link = context.resources.links.get(domain.vpc_id, domain.instance_id)
    if link is None or link.access_ip != domain.eni_lb_ip:
        return False
    return link.resolve_default_domain if domain.use_public_domain else link.resolve_vpc_domain
