"""Security groups: create, describe, rename and delete them. Their rules are in `security_policy`.

A new group has no rules, and so denies everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from towline.cloud.action import Action, Answer, AnyAction, Done, Parameters
from towline.cloud.context import Context, Resources
from towline.cloud.identifier import resource_id
from towline.cloud.page import Filter, part
from towline.cloud.quota import counted
from towline.cloud.refusal import Refusal
from towline.cloud.tag import Tag, checked, shown, tag_properties
from towline.cloud.transaction import Decision, removal, settle
from towline.cloud.vpc.name import checked_name, checked_text
from towline.cloud.vpc.selection import filtered, one, selected
from towline.resource.network_interface import NetworkInterface
from towline.resource.quota import SECURITY_GROUPS
from towline.resource.security_group import SecurityGroup

PROJECT = "0"  # the one project of an account here
_QUOTA = 50  # groups of a region
_DESCRIPTION_LENGTH = 100


class CreateSecurityGroup(Parameters, frozen=True, kw_only=True):
    """What a new group is to be."""

    group_name: str
    group_description: str
    project_id: str = PROJECT
    tags: tuple[Tag, ...] = ()


class SecurityGroupInfo(Answer, frozen=True, kw_only=True):
    """One group, as the API shows it."""

    security_group_id: str
    security_group_name: str
    security_group_desc: str
    project_id: str = PROJECT
    is_default: bool
    created_time: str
    tag_set: tuple[Tag, ...]
    update_time: str


class CreatedSecurityGroup(Answer, frozen=True, kw_only=True):
    """The new group."""

    security_group: SecurityGroupInfo


class DescribeSecurityGroups(Parameters, frozen=True, kw_only=True):
    """Which groups to show, and in which order; the SDK sends the numbers as text."""

    security_group_ids: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    offset: str | int = 0
    limit: str | int = 20
    order_field: str = "CreatedTime"
    order_direction: str = "ASC"


class SecurityGroups(Answer, frozen=True, kw_only=True):
    """Some of the groups, and how many there are."""

    security_group_set: tuple[SecurityGroupInfo, ...]
    total_count: int


class ModifySecurityGroupAttribute(Parameters, frozen=True, kw_only=True):
    """What a group is to be called."""

    security_group_id: str
    group_name: str | None = None
    group_description: str | None = None


class DeleteSecurityGroup(Parameters, frozen=True, kw_only=True):
    """Which group to remove."""

    security_group_id: str


class DescribeAssociations(Parameters, frozen=True, kw_only=True):
    """Whose users to count."""

    security_group_ids: tuple[str, ...]


class Association(Answer, frozen=True, kw_only=True):
    """How many use a group."""

    security_group_id: str
    cvm: int = msgspec.field(name="CVM", default=0)
    cdb: int = msgspec.field(name="CDB", default=0)
    eni: int = msgspec.field(name="ENI")
    sg: int = msgspec.field(name="SG", default=0)
    clb: int = msgspec.field(name="CLB", default=0)
    total_count: int


class Associations(Answer, frozen=True, kw_only=True):
    """How many use each of the groups asked for."""

    security_group_association_statistics_set: tuple[Association, ...]


async def create_security_group(
    context: Context, asked: CreateSecurityGroup
) -> CreatedSecurityGroup:
    """Make a group without rules."""
    resources = context.resources
    if asked.project_id != PROJECT:
        raise Refusal("InvalidParameterValue", f"The only project here is {PROJECT}.")
    group = SecurityGroup(
        id=resource_id("sg"),
        name=checked_name("GroupName", asked.group_name),
        description=_description(asked.group_description),
        created_at=context.now(),
        updated_at=context.now(),
        tags=checked(asked.tags),
    )

    def decide() -> Decision[None]:
        if len(resources.security_groups.list()) >= _QUOTA:
            raise Refusal("LimitExceeded", f"There are at most {_QUOTA} security groups.")
        creation = resources.security_groups.creation("", group.id, group)
        return Decision([counted(context, SECURITY_GROUPS), creation], None)

    await settle(resources.store, decide)
    return CreatedSecurityGroup(security_group=_told(group))


async def describe_security_groups(
    context: Context, asked: DescribeSecurityGroups
) -> SecurityGroups:
    """Show groups, by default in the order of their creation."""
    every = context.resources.security_groups.by_age()
    chosen = selected(every, asked.security_group_ids, asked.filters)
    properties = {
        "security-group-id": lambda group: group.id,
        "security-group-name": lambda group: group.name,
        "project-id": lambda _: PROJECT,
        **tag_properties(asked.filters),
    }
    found = filtered(_ordered(chosen, asked), asked.filters, properties)
    page = tuple(_told(group) for group in part(found, asked.offset, asked.limit))
    return SecurityGroups(security_group_set=page, total_count=len(found))


async def modify_security_group_attribute(
    context: Context, asked: ModifySecurityGroupAttribute
) -> Done:
    """Rename or describe a group."""
    resources = context.resources

    def decide() -> Decision[Done]:
        group = one(resources.security_groups.list(), asked.security_group_id)
        changed = msgspec.structs.replace(
            group,
            name=group.name
            if asked.group_name is None
            else checked_name("GroupName", asked.group_name),
            description=group.description
            if asked.group_description is None
            else _description(asked.group_description),
        )
        write = resources.security_groups.substitution("", group.id, changed)
        return Decision([write], Done())

    return await settle(resources.store, decide)


async def delete_security_group(context: Context, asked: DeleteSecurityGroup) -> Done:
    """Remove a group that no interface is in, and that no pool of nodes names."""
    resources = context.resources

    def decide() -> Decision[Done]:
        group = one(resources.security_groups.list(), asked.security_group_id)
        if group.is_default:
            raise Refusal("UnsupportedOperation", f"{group.id} is the default group.")
        if users := _users(resources, group.id):
            raise Refusal("ResourceInUse", f"{group.id} is in use by {', '.join(users)}.")
        return Decision([removal(resources.security_groups, "", group.id)], Done())

    return await settle(resources.store, decide)


async def describe_associations(context: Context, asked: DescribeAssociations) -> Associations:
    """Show how many interfaces are in each of the groups."""
    resources = context.resources
    groups = selected(resources.security_groups.list(), asked.security_group_ids, ())
    counts = ((group.id, len(_members(resources, group.id))) for group in groups)
    return Associations(
        security_group_association_statistics_set=tuple(
            Association(security_group_id=id_, eni=count, total_count=count)
            for id_, count in counts
        )
    )


ACTIONS: Mapping[str, AnyAction] = {
    "CreateSecurityGroup": Action(CreateSecurityGroup, create_security_group),
    "DescribeSecurityGroups": Action(DescribeSecurityGroups, describe_security_groups),
    "ModifySecurityGroupAttribute": Action(
        ModifySecurityGroupAttribute, modify_security_group_attribute
    ),
    "DeleteSecurityGroup": Action(DeleteSecurityGroup, delete_security_group),
    "DescribeSecurityGroupAssociationStatistics": Action(
        DescribeAssociations, describe_associations
    ),
}


def _description(text: str) -> str:
    return checked_text("GroupDescription", text, _DESCRIPTION_LENGTH)


def _ordered(groups: Sequence[SecurityGroup], asked: DescribeSecurityGroups) -> list[SecurityGroup]:
    if asked.order_direction not in ("ASC", "DESC"):
        raise Refusal("InvalidParameterValue", "OrderDirection must be ASC or DESC.")
    match asked.order_field:
        case "CreatedTime":
            ordered = list(groups)
        case "UpdateTime":
            ordered = sorted(groups, key=lambda group: group.updated_at)
        case _:
            raise Refusal("InvalidParameterValue", "OrderField must be CreatedTime or UpdateTime.")
    return ordered if asked.order_direction == "ASC" else ordered[::-1]


def _members(resources: Resources, group_id: str) -> list[NetworkInterface]:
    interfaces = resources.network_interfaces.list()
    return [user for user in interfaces if group_id in user.security_group_ids]


def _users(resources: Resources, group_id: str) -> list[str]:
    """What keeps a group from being deleted: interfaces in it, and pools whose pods would be."""
    pools = [pool for cluster in resources.clusters.list() for pool in cluster.pools]
    return [
        *(user.pod_name or user.id for user in _members(resources, group_id)),
        *(pool.id for pool in pools if group_id in pool.security_group_ids),
    ]


def _told(group: SecurityGroup) -> SecurityGroupInfo:
    return SecurityGroupInfo(
        security_group_id=group.id,
        security_group_name=group.name,
        security_group_desc=group.description,
        is_default=group.is_default,
        created_time=group.created_at,
        tag_set=shown(group.tags),
        update_time=group.updated_at or group.created_at,
    )
