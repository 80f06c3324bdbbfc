"""Private network access linkages: ManageInternalEndpoint, DescribeInternalEndpoints.

Creating is asking: the link shows at once with an empty access address, which the agent allots.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from towline.cloud.action import Action, Answer, AnyAction, Parameters
from towline.cloud.context import Context
from towline.cloud.refusal import Refusal
from towline.cloud.transaction import Decision, settle, witness
from towline.resource.edition import EDITIONS
from towline.resource.instance import Instance
from towline.resource.link import Link, LinkStatus
from towline.store.error import NotFound


class ManageInternalEndpoint(Parameters, frozen=True, kw_only=True):
    """Which link to make or remove. Terraform sends a region of 0 and "" when it has none."""

    registry_id: str
    operation: str
    vpc_id: str
    subnet_id: str
    region_id: int = 0
    region_name: str = ""


class Managed(Answer, frozen=True, kw_only=True):
    """The instance whose link it is."""

    registry_id: str


class DescribeInternalEndpoints(Parameters, frozen=True, kw_only=True):
    """Whose links to show."""

    registry_id: str


class AccessVpc(Answer, frozen=True, kw_only=True):
    """One link; no field is ever null, for Terraform would panic."""

    vpc_id: str
    subnet_id: str
    status: str
    access_ip: str


class AccessVpcs(Answer, frozen=True, kw_only=True):
    """The links of an instance."""

    access_vpc_set: tuple[AccessVpc, ...]
    total_count: int


async def manage_internal_endpoint(context: Context, asked: ManageInternalEndpoint) -> Managed:
    """Ask for a link or for its removal."""
    match asked.operation:
        case "Create":
            await _create(context, asked)
        case "Delete":
            await _delete(context, asked)
        case other:
            raise Refusal(
                "InvalidParameter", f"not support operation `{other}`, must Create or Delete"
            )
    return Managed(registry_id=asked.registry_id)


async def describe_internal_endpoints(
    context: Context, asked: DescribeInternalEndpoints
) -> AccessVpcs:
    """Show the links of an instance."""
    instance = context.resources.instance(asked.registry_id)
    shown = tuple(
        AccessVpc(
            vpc_id=link.vpc_id,
            subnet_id=link.subnet_id,
            status=link.status.value,
            access_ip=link.access_ip,
        )
        for link in _links_of(context, instance)
    )
    return AccessVpcs(access_vpc_set=shown, total_count=len(shown))


ACTIONS: Mapping[str, AnyAction] = {
    "ManageInternalEndpoint": Action(ManageInternalEndpoint, manage_internal_endpoint),
    "DescribeInternalEndpoints": Action(DescribeInternalEndpoints, describe_internal_endpoints),
}


async def _create(context: Context, asked: ManageInternalEndpoint) -> None:
    resources = context.resources

    def decide() -> Decision[None]:
        instance = resources.running(asked.registry_id)
        subnet = resources.subnet(asked.vpc_id, asked.subnet_id)
        _check_new(context, instance, subnet.vpc_id)
        link = Link(
            instance_id=instance.id,
            vpc_id=subnet.vpc_id,
            subnet_id=subnet.id,
            created_at=context.now(),
        )
        writes = (
            witness(resources.instances, "", instance.id),
            witness(resources.subnets, subnet.vpc_id, subnet.id),
            resources.links.creation(link.vpc_id, link.instance_id, link),
        )
        return Decision(writes, None)

    await settle(resources.store, decide)


def _check_new(context: Context, instance: Instance, vpc_id: str) -> None:
    if context.resources.links.get(vpc_id, instance.id) is not None:
        raise Refusal(
            "InternalError.ErrorConflict",
            f"The registry {instance.id} already has an access linkage to {vpc_id}.",
        )
    allowed = EDITIONS[instance.edition].links
    if len(_links_of(context, instance)) >= allowed:
        raise Refusal(
            "InternalError.ErrorOverLimit",
            f"An instance of the {instance.edition} edition has at most {allowed} access linkages.",
        )


async def _delete(context: Context, asked: ManageInternalEndpoint) -> None:
    instance = context.resources.instance(asked.registry_id)
    missing = Refusal(
        "ResourceNotFound",
        f"The registry {instance.id} has no access linkage to {asked.vpc_id} {asked.subnet_id}.",
    )

    def delete(link: Link) -> Link:
        if link.subnet_id != asked.subnet_id:
            raise missing
        if link.resolve_default_domain or link.resolve_vpc_domain:
            raise Refusal(
                "ResourceInsufficient.ErrorVpcDnsStatus",
                "VPC DNS status abnormal or not deleted: switch the domain resolution off first.",
            )
        return msgspec.structs.replace(link, status=LinkStatus.DELETING)

    try:
        await context.resources.links.update(asked.vpc_id, instance.id, delete)
    except NotFound:
        raise missing from None


def _links_of(context: Context, instance: Instance) -> list[Link]:
    return [link for link in context.resources.links.by_age() if link.instance_id == instance.id]
