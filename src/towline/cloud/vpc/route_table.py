"""Route tables: create, describe, rename, delete them, and associate subnets with them.

A VPC's main table is made with the VPC and goes with it. A subnet is associated with exactly one
table, with the main one until it is told otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from towline.cloud.action import Action, Answer, AnyAction, Done, Parameters
from towline.cloud.context import Context, Resources
from towline.cloud.identifier import resource_id
from towline.cloud.page import Filter, part
from towline.cloud.refusal import Refusal
from towline.cloud.tag import Tag, checked, shown, tag_properties
from towline.cloud.transaction import Decision, removal, settle, witness
from towline.cloud.vpc.name import checked_name
from towline.cloud.vpc.selection import filtered, one, selected
from towline.resource.route_table import Route, RouteTable
from towline.resource.vpc import Subnet

MAIN = "default"
_QUOTA = 10  # route tables of a VPC
_ITEM_ID_LENGTH = 8


class CreateRouteTable(Parameters, frozen=True, kw_only=True):
    """What a new table is to be."""

    vpc_id: str
    route_table_name: str
    tags: tuple[Tag, ...] = ()


class AssociationInfo(Answer, frozen=True, kw_only=True):
    """One subnet that is associated with a table."""

    subnet_id: str
    route_table_id: str


class RouteInfo(Answer, frozen=True, kw_only=True):
    """One route, as the API shows it."""

    destination_cidr_block: str
    gateway_type: str
    gateway_id: str
    route_id: int
    route_description: str
    enabled: bool
    route_type: str = "USER"
    route_table_id: str
    destination_ipv6_cidr_block: str = ""
    route_item_id: str
    published_to_vbc: bool = False
    created_time: str
    cdc_id: str = ""


class RouteTableInfo(Answer, frozen=True, kw_only=True):
    """One table, as the API shows it."""

    vpc_id: str
    route_table_id: str
    route_table_name: str
    association_set: tuple[AssociationInfo, ...]
    route_set: tuple[RouteInfo, ...]
    main: bool
    created_time: str
    tag_set: tuple[Tag, ...]
    local_cidr_for_ccn: tuple[str, ...] = ()


class CreatedRouteTable(Answer, frozen=True, kw_only=True):
    """The new table."""

    route_table: RouteTableInfo


class DescribeRouteTables(Parameters, frozen=True, kw_only=True):
    """Which tables to show; the SDK sends the numbers as text."""

    filters: tuple[Filter, ...] = ()
    route_table_ids: tuple[str, ...] = ()
    offset: str | int = 0
    limit: str | int = 20
    need_router_info: bool = True


class RouteTables(Answer, frozen=True, kw_only=True):
    """Some of the tables, and how many there are."""

    total_count: int
    route_table_set: tuple[RouteTableInfo, ...]


class DeleteRouteTable(Parameters, frozen=True, kw_only=True):
    """Which table to remove."""

    route_table_id: str


class ModifyRouteTableAttribute(Parameters, frozen=True, kw_only=True):
    """What a table is to be called."""

    route_table_id: str
    route_table_name: str


class ReplaceRouteTableAssociation(Parameters, frozen=True, kw_only=True):
    """Which table a subnet is to be associated with."""

    route_table_id: str
    subnet_id: str


async def create_route_table(context: Context, asked: CreateRouteTable) -> CreatedRouteTable:
    """Make a table without routes or subnets."""
    resources = context.resources
    name, tags = checked_name("RouteTableName", asked.route_table_name), checked(asked.tags)

    def decide() -> Decision[RouteTable]:
        vpc = one(resources.vpcs.list(), asked.vpc_id)
        if len(resources.route_tables.list(vpc.id)) >= _QUOTA:
            raise Refusal("LimitExceeded", f"There are at most {_QUOTA} route tables in a VPC.")
        table = RouteTable(
            id=resource_id("rtb"), vpc_id=vpc.id, name=name, created_at=context.now(), tags=tags
        )
        creation = resources.route_tables.creation(vpc.id, table.id, table)
        return Decision([witness(resources.vpcs, "", vpc.id), creation], table)

    return CreatedRouteTable(route_table=told(resources, await settle(resources.store, decide)))


async def describe_route_tables(context: Context, asked: DescribeRouteTables) -> RouteTables:
    """Show tables in the order of their creation."""
    resources = context.resources
    chosen = selected(resources.route_tables.by_age(), asked.route_table_ids, asked.filters)
    properties = {
        "route-table-id": lambda table: table.id,
        "route-table-name": lambda table: table.name,
        "vpc-id": lambda table: table.vpc_id,
        "association.main": lambda table: "true" if table.main else "false",
        "next-hop-type": lambda table: {route.gateway_type.value for route in table.routes},
        **tag_properties(asked.filters),
    }
    found = filtered(chosen, asked.filters, properties)
    shown_ = tuple(told(resources, table) for table in part(found, asked.offset, asked.limit))
    if not asked.need_router_info:
        shown_ = tuple(msgspec.structs.replace(info, route_set=()) for info in shown_)
    return RouteTables(total_count=len(found), route_table_set=shown_)


async def delete_route_table(context: Context, asked: DeleteRouteTable) -> Done:
    """Remove a table that is not the main one and that no subnet is associated with."""
    resources = context.resources

    def decide() -> Decision[Done]:
        table = one(resources.route_tables.list(), asked.route_table_id)
        if table.main:
            raise Refusal(
                "UnsupportedOperation.DelDefaultRoute", f"{table.id} is the VPC's main table."
            )
        if subnets := _associated(resources, table):
            raise Refusal(
                "UnsupportedOperation.DelRouteWithSubnet",
                f"{table.id} is associated with {', '.join(one.id for one in subnets)}.",
            )
        return Decision([removal(resources.route_tables, table.vpc_id, table.id)], Done())

    return await settle(resources.store, decide)


async def modify_route_table_attribute(context: Context, asked: ModifyRouteTableAttribute) -> Done:
    """Rename a table."""
    resources = context.resources
    name = checked_name("RouteTableName", asked.route_table_name)

    def decide() -> Decision[Done]:
        table = one(resources.route_tables.list(), asked.route_table_id)
        renamed = msgspec.structs.replace(table, name=name)
        change = resources.route_tables.substitution(table.vpc_id, table.id, renamed)
        return Decision([change], Done())

    return await settle(resources.store, decide)


async def replace_route_table_association(
    context: Context, asked: ReplaceRouteTableAssociation
) -> Done:
    """Associate a subnet with another table of its VPC."""
    resources = context.resources

    def decide() -> Decision[Done]:
        table = one(resources.route_tables.list(), asked.route_table_id)
        subnet = one(resources.subnets.list(), asked.subnet_id)
        if subnet.vpc_id != table.vpc_id:
            raise Refusal(
                "UnsupportedOperation.VpcMismatch",
                f"{subnet.id} is in {subnet.vpc_id}, {table.id} in {table.vpc_id}.",
            )
        moved = msgspec.structs.replace(subnet, route_table_id=table.id)
        move = resources.subnets.substitution(subnet.vpc_id, subnet.id, moved)
        return Decision([witness(resources.route_tables, table.vpc_id, table.id), move], Done())

    return await settle(resources.store, decide)


ACTIONS: Mapping[str, AnyAction] = {
    "CreateRouteTable": Action(CreateRouteTable, create_route_table),
    "DescribeRouteTables": Action(DescribeRouteTables, describe_route_tables),
    "DeleteRouteTable": Action(DeleteRouteTable, delete_route_table),
    "ModifyRouteTableAttribute": Action(ModifyRouteTableAttribute, modify_route_table_attribute),
    "ReplaceRouteTableAssociation": Action(
        ReplaceRouteTableAssociation, replace_route_table_association
    ),
}


def main_table_id(vpc_id: str) -> str:
    """The id of a VPC's main table, which follows from the VPC's."""
    return f"rtb-{vpc_id.removeprefix('vpc-')}"


def main_table(vpc_id: str, now: str) -> RouteTable:
    """The table that a VPC begins with."""
    return RouteTable(id=main_table_id(vpc_id), vpc_id=vpc_id, name=MAIN, main=True, created_at=now)


def table_id_of(subnet: Subnet) -> str:
    """The table that a subnet is associated with."""
    return subnet.route_table_id or main_table_id(subnet.vpc_id)


def item_id(route: Route) -> str:
    """The route's other name in the API: `rti-` and its number in eight hexadecimal digits."""
    return f"rti-{route.id:0{_ITEM_ID_LENGTH}x}"


def told(resources: Resources, table: RouteTable) -> RouteTableInfo:
    """A table as answers show it."""
    return RouteTableInfo(
        vpc_id=table.vpc_id,
        route_table_id=table.id,
        route_table_name=table.name,
        association_set=tuple(
            AssociationInfo(subnet_id=subnet.id, route_table_id=table.id)
            for subnet in _associated(resources, table)
        ),
        route_set=tuple(told_route(table, route) for route in table.routes),
        main=table.main,
        created_time=table.created_at,
        tag_set=shown(table.tags),
    )


def told_route(table: RouteTable, route: Route) -> RouteInfo:
    """A route as answers show it."""
    return RouteInfo(
        destination_cidr_block=route.destination,
        gateway_type=route.gateway_type.value,
        gateway_id=route.gateway_id,
        route_id=route.id,
        route_description=route.description,
        enabled=route.enabled,
        route_table_id=table.id,
        route_item_id=item_id(route),
        created_time=route.created_at,
    )


def _associated(resources: Resources, table: RouteTable) -> list[Subnet]:
    subnets = resources.subnets.by_age(table.vpc_id)
    return [subnet for subnet in subnets if table_id_of(subnet) == table.id]
