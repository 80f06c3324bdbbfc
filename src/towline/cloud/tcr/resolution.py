"""Private domain resolution of a link: Create…, Delete…InternalEndpointDns and their status.

Resolution can be switched on only when the link's access address exists. It is a record in a private
zone of the link's own (see `privatedns.link_zone`). These actions call the instance `InstanceId` and
the access address `EniLBIp`, unlike all the others.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from towline.cloud.action import Action, Answer, AnyAction, Done, Parameters
from towline.cloud.context import Context, Resources
from towline.cloud.privatedns import link_zone
from towline.cloud.refusal import Refusal
from towline.cloud.transaction import Decision, settle
from towline.resource.instance import Instance
from towline.resource.link import Link, LinkStatus


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
    resources = context.resources

    def decide() -> Decision[Done]:
        instance, link = _link(resources, asked)
        _check_address(link, asked)
        if asked.use_public_domain:
            changed = msgspec.structs.replace(link, resolve_default_domain=True)
        else:
            changed = msgspec.structs.replace(link, resolve_vpc_domain=True)
        domains = (_domain(instance, asked),)
        additions = link_zone.additions(resources, instance, link, domains, context.now())
        switch = resources.links.substitution(link.vpc_id, instance.id, changed)
        return Decision([switch, *additions], Done())

    return await settle(resources.store, decide)


async def delete_internal_endpoint_dns(context: Context, asked: VpcAndDomain) -> Done:
    """Let a domain resolve to the public address again."""
    resources = context.resources

    def decide() -> Decision[Done]:
        instance, link = _link(resources, asked)
        if asked.use_public_domain:
            changed = msgspec.structs.replace(link, resolve_default_domain=False)
        else:
            changed = msgspec.structs.replace(link, resolve_vpc_domain=False)
        subtractions = link_zone.subtractions(resources, changed, _domain(instance, asked))
        switch = resources.links.substitution(link.vpc_id, instance.id, changed)
        return Decision([switch, *subtractions], Done())

    return await settle(resources.store, decide)


async def describe_internal_endpoint_dns_status(
    context: Context, asked: DescribeStatus
) -> DomainStatuses:
    """Show for each domain whether it is resolved; a link that is gone resolves nothing."""
    shown = tuple(
        DomainStatus(
            region=domain.region_name or context.settings.region,
            vpc_id=domain.vpc_id,
            status=_status(context.resources, domain),
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


async def complete(resources: Resources, now: str) -> None:
    """Give the links of an older installation, which had no zones, those that they should have."""
    for link in resources.links.list():
        instance = resources.instances.get("", link.instance_id)
        if instance is not None and link_zone.zone_of_link(resources, link) is None:
            domains = [name for name, is_on in _domains(instance, link).items() if is_on]
            if domains:
                additions = link_zone.additions(resources, instance, link, domains, now)
                await resources.store.apply(additions)


def _link(resources: Resources, asked: VpcAndDomain) -> tuple[Instance, Link]:
    instance = resources.instance(asked.instance_id)
    link = resources.links.get(asked.vpc_id, instance.id)
    if link is None:
        raise Refusal(
            "ResourceNotFound",
            f"The registry {instance.id} has no access linkage to {asked.vpc_id}.",
        )
    return instance, link


def _check_address(link: Link, asked: VpcAndDomain) -> None:
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


def _domain(instance: Instance, asked: VpcAndDomain) -> str:
    return instance.domain if asked.use_public_domain else instance.vpc_domain


def _domains(instance: Instance, link: Link) -> dict[str, bool]:
    """Whether each of the domains is switched on."""
    return {
        instance.domain: link.resolve_default_domain,
        instance.vpc_domain: link.resolve_vpc_domain,
    }


def _status(resources: Resources, asked: VpcAndDomain) -> str:
    """`ERROR` is a domain that is switched on and whose record somebody has taken away."""
    link = resources.links.get(asked.vpc_id, asked.instance_id)
    instance = resources.instances.get("", asked.instance_id)
    if link is None or instance is None or link.access_ip != asked.eni_lb_ip:
        return "DISABLED"
    domain = _domain(instance, asked)
    if not _domains(instance, link)[domain]:
        return "DISABLED"
    return "ENABLED" if link_zone.resolves(resources, link, domain) else "ERROR"
