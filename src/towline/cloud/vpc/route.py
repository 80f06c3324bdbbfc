"""Routes of a table: create, delete, replace, switch them on and off.

Which of several routes a packet takes is decided by the longest prefix, so a table never has two
for the same destination. The way inside the VPC is no route of the table: it cannot be touched, and
no route may lead into the VPC's own range.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network

import msgspec

from towline.cloud.action import Action, Answer, AnyAction, Done, Parameters
from towline.cloud.context import Context, Resources
from towline.cloud.identifier import number_id
from towline.cloud.refusal import Refusal
from towline.cloud.transaction import Decision, settle
from towline.cloud.vpc.cidr import parse_cidr
from towline.cloud.vpc.name import checked_text
from towline.cloud.vpc.route_table import RouteInfo, RouteTableInfo, item_id, told, told_route
from towline.cloud.vpc.selection import one
from towline.resource.nat_gateway import NatState
from towline.resource.route_table import GatewayType, Route, RouteTable
from towline.resource.vpc import Vpc
from towline.store.write import Update

_QUOTA = 50  # routes of a table
_DESCRIPTION_LENGTH = 128
_OWN_ADDRESS = "0"  # the gateway id of routes to the sender's own elastic IP
_ELSEWHERE = frozenset(
    {
        "CVM",
        "VPN",
        "DIRECTCONNECT",
        "PEERCONNECTION",
        "HAVIP",
        "CCN",
        "LOCAL_GATEWAY",
        "INTRANAT",
        "USER_CCN",
        "GWLB_ENDPOINT",
    }
)


class RouteAsked(Parameters, frozen=True, kw_only=True):
    """A route as a caller writes it; which fields count depends on the action."""

    destination_cidr_block: str = ""
    gateway_type: str = ""
    gateway_id: str = ""
    route_id: int = 0
    route_description: str | None = None
    enabled: bool | None = None
    route_type: str = "USER"
    route_table_id: str = ""
    destination_ipv6_cidr_block: str = ""
    route_item_id: str = ""
    published_to_vbc: bool = False
    created_time: str = ""
    cdc_id: str = ""


class CreateRoutes(Parameters, frozen=True, kw_only=True):
    """Routes that a table is to have beside those it has."""

    route_table_id: str
    routes: tuple[RouteAsked, ...]


class CreatedRoutes(Answer, frozen=True, kw_only=True):
    """How many routes were made, and the table with just these."""

    total_count: int
    route_table_set: tuple[RouteTableInfo, ...]


class DeleteRoutes(Parameters, frozen=True, kw_only=True):
    """Routes to remove, each told by `RouteId` or `RouteItemId`."""

    route_table_id: str
    routes: tuple[RouteAsked, ...] = ()


class DeletedRoutes(Answer, frozen=True, kw_only=True):
    """The routes that are gone."""

    route_set: tuple[RouteInfo, ...]


class ReplaceRoutes(Parameters, frozen=True, kw_only=True):
    """Routes to change, each told by `RouteId` or `RouteItemId`; what is not given stays."""

    route_table_id: str
    routes: tuple[RouteAsked, ...]


class ReplacedRoutes(Answer, frozen=True, kw_only=True):
    """The routes as they were and as they are."""

    old_route_set: tuple[RouteInfo, ...]
    new_route_set: tuple[RouteInfo, ...]


class SwitchRoutes(Parameters, frozen=True, kw_only=True):
    """Which routes to switch on or off."""

    route_table_id: str
    route_ids: tuple[int, ...] = ()
    route_item_ids: tuple[str, ...] = ()


async def create_routes(context: Context, asked: CreateRoutes) -> CreatedRoutes:
    """Add routes to a table: all of them or none."""
    resources = context.resources
    _check_any(asked.routes)

    def decide() -> Decision[RouteTable]:
        table = one(resources.route_tables.list(), asked.route_table_id)
        before = len(table.routes)
        for wanted in asked.routes:
            table = _with(resources, table, _new(context, table, wanted))
        if len(table.routes) > _QUOTA:
            raise Refusal("LimitExceeded", f"There are at most {_QUOTA} routes in a table.")
        made = msgspec.structs.replace(table, routes=table.routes[before:])
        return Decision([_write(resources, table)], made)

    made = await settle(resources.store, decide)
    return CreatedRoutes(total_count=len(made.routes), route_table_set=(told(resources, made),))


async def delete_routes(context: Context, asked: DeleteRoutes) -> DeletedRoutes:
    """Remove routes from a table: all of them or none."""
    resources = context.resources
    _check_any(asked.routes)

    def decide() -> Decision[DeletedRoutes]:
        table = one(resources.route_tables.list(), asked.route_table_id)
        going = [_meant(table, route, "ResourceNotFound") for route in asked.routes]
        kept = tuple(route for route in table.routes if route not in going)
        shown = tuple(told_route(table, route) for route in going)
        left = msgspec.structs.replace(table, routes=kept)
        return Decision([_write(resources, left)], DeletedRoutes(route_set=shown))

    return await settle(resources.store, decide)


async def replace_routes(context: Context, asked: ReplaceRoutes) -> ReplacedRoutes:
    """Change routes of a table: all of them or none."""
    resources = context.resources
    _check_any(asked.routes)

    def decide() -> Decision[ReplacedRoutes]:
        table = one(resources.route_tables.list(), asked.route_table_id)
        absent = "UnsupportedOperation.RecordNotExists"
        old = [_meant(table, route, absent) for route in asked.routes]
        new = [_changed(was, route) for was, route in zip(old, asked.routes, strict=True)]
        for route in new:
            table = _with(resources, table, route)
        answer = ReplacedRoutes(
            old_route_set=tuple(told_route(table, route) for route in old),
            new_route_set=tuple(told_route(table, route) for route in new),
        )
        return Decision([_write(resources, table)], answer)

    return await settle(resources.store, decide)


async def enable_routes(context: Context, asked: SwitchRoutes) -> Done:
    """Let routes be taken again."""
    return await _switch(context, asked, lambda route: msgspec.structs.replace(route, enabled=True))


async def disable_routes(context: Context, asked: SwitchRoutes) -> Done:
    """Keep routes in the table, but let no packet take them."""
    return await _switch(
        context, asked, lambda route: msgspec.structs.replace(route, enabled=False)
    )


ACTIONS: Mapping[str, AnyAction] = {
    "CreateRoutes": Action(CreateRoutes, create_routes),
    "DeleteRoutes": Action(DeleteRoutes, delete_routes),
    "ReplaceRoutes": Action(ReplaceRoutes, replace_routes),
    "EnableRoutes": Action(SwitchRoutes, enable_routes),
    "DisableRoutes": Action(SwitchRoutes, disable_routes),
}


async def _switch(
    context: Context, asked: SwitchRoutes, switched: Callable[[Route], Route]
) -> Done:
    resources = context.resources
    if not asked.route_ids and not asked.route_item_ids:
        raise Refusal("MissingParameter", "Give RouteIds or RouteItemIds.")
    if asked.route_ids and asked.route_item_ids:
        raise Refusal("InvalidParameter.Coexist", "Give either RouteIds or RouteItemIds.")

    def decide() -> Decision[Done]:
        table = one(resources.route_tables.list(), asked.route_table_id)
        meant = {route.id for route in table.routes if _is_named(route, asked)}
        if len(meant) < len({*asked.route_ids, *asked.route_item_ids}):
            raise Refusal("ResourceNotFound", f"{table.id} has not all of these routes.")
        routes = tuple(switched(one) if one.id in meant else one for one in table.routes)
        return Decision([_write(resources, msgspec.structs.replace(table, routes=routes))], Done())

    return await settle(resources.store, decide)


def _is_named(route: Route, asked: SwitchRoutes) -> bool:
    return route.id in asked.route_ids or item_id(route) in asked.route_item_ids


def _check_any(routes: Sequence[RouteAsked]) -> None:
    if not routes:
        raise Refusal("MissingParameter", "Routes must name at least one route.")
    for route in routes:
        if route.destination_ipv6_cidr_block:
            raise Refusal("UnsupportedOperation", "Routes are IPv4 only here.")
        if route.route_type != "USER":
            raise Refusal("UnsupportedOperation.SystemRoute", "Only USER routes can be changed.")


def _meant(table: RouteTable, asked: RouteAsked, absent: str) -> Route:
    """The route of the table that a caller means; refused with `absent` when there is none."""
    for route in table.routes:
        if asked.route_id == route.id or asked.route_item_id == item_id(route):
            return route
    raise Refusal(absent, f"{table.id} has no route {asked.route_item_id or asked.route_id}.")


def _new(context: Context, table: RouteTable, asked: RouteAsked) -> Route:
    return Route(
        id=number_id({route.id for route in table.routes}),
        destination=str(parse_cidr(asked.destination_cidr_block)),
        gateway_type=_gateway_type(asked.gateway_type),
        gateway_id=asked.gateway_id,
        description=_description(asked),
        enabled=asked.enabled is not False,
        created_at=context.now(),
    )


def _changed(was: Route, asked: RouteAsked) -> Route:
    """The route with what the caller has given."""
    destination = asked.destination_cidr_block or was.destination
    return msgspec.structs.replace(
        was,
        destination=str(parse_cidr(destination)),
        gateway_type=_gateway_type(asked.gateway_type or was.gateway_type),
        gateway_id=asked.gateway_id or was.gateway_id,
        description=was.description if asked.route_description is None else _description(asked),
        enabled=was.enabled if asked.enabled is None else asked.enabled,
    )


def _description(asked: RouteAsked) -> str:
    return checked_text("RouteDescription", asked.route_description or "", _DESCRIPTION_LENGTH)


def _gateway_type(text: str) -> GatewayType:
    if text in _ELSEWHERE:
        raise Refusal("UnsupportedOperation", f"There is nothing of the type {text} here.")
    try:
        return GatewayType(text)
    except ValueError:
        known = ", ".join(GatewayType)
        raise Refusal(
            "InvalidParameterValue", f"GatewayType `{text}` must be one of {known}."
        ) from None


def _with(resources: Resources, table: RouteTable, route: Route) -> RouteTable:
    """The table with the route, in the place of the one that has its id if there is one."""
    vpc = resources.vpc(table.vpc_id)
    if IPv4Network(route.destination).subnet_of(IPv4Network(vpc.cidr)):
        raise Refusal(
            "InvalidParameterValue.VpcCidrConflict",
            f"{route.destination} lies in the VPC's own range {vpc.cidr}.",
        )
    _check_gateway(resources, vpc, route)
    for other in table.routes:
        if other.id != route.id and other.destination == route.destination:
            raise _conflict(table, route, other)
    if any(other.id == route.id for other in table.routes):
        routes = tuple(route if other.id == route.id else other for other in table.routes)
    else:
        routes = (*table.routes, route)
    return msgspec.structs.replace(table, routes=routes)


def _conflict(table: RouteTable, route: Route, other: Route) -> Refusal:
    same = (route.gateway_type, route.gateway_id) == (other.gateway_type, other.gateway_id)
    return Refusal(
        "InvalidParameterValue.Duplicate" if same else "UnsupportedOperation.Ecmp",
        f"{table.id} already has a route to {route.destination}, to {other.gateway_id}.",
    )


def _check_gateway(resources: Resources, vpc: Vpc, route: Route) -> None:
    match route.gateway_type:
        case GatewayType.NAT:
            gateway = one(resources.nat_gateways.list(), route.gateway_id)
            if gateway.vpc_id != vpc.id:
                raise Refusal("ResourceNotFound", f"{vpc.id} has no {gateway.id}.")
            if gateway.state is NatState.DELETING:
                raise Refusal("ResourceNotFound", f"{gateway.id} is being deleted.")
        case GatewayType.EIP:
            if route.gateway_id != _OWN_ADDRESS:
                raise Refusal("InvalidParameterValue", "GatewayId of an EIP route is 0.")
        case GatewayType.NORMAL_CVM:
            _check_address(vpc, route.gateway_id)


def _check_address(vpc: Vpc, text: str) -> None:
    try:
        inside = IPv4Address(text) in IPv4Network(vpc.cidr)
    except ValueError:
        raise Refusal("InvalidParameterValue.Malformed", f"`{text}` is no address.") from None
    if not inside:
        raise Refusal("InvalidParameterValue", f"{text} is not in {vpc.cidr}.")


def _write(resources: Resources, table: RouteTable) -> Update:
    return resources.route_tables.substitution(table.vpc_id, table.id, table)
