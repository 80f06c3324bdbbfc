"""NAT gateways: create, describe, change and delete them.

Creating is asking: a gateway is `PENDING` until the agent has built it. Deleting is asking too: its
routes are gone and its addresses free in the same moment, the agent removes the rest and the record.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import msgspec

from towline.cloud.action import Action, Answer, AnyAction, Done, Parameters
from towline.cloud.context import Context, Resources
from towline.cloud.identifier import resource_id
from towline.cloud.page import Filter, part
from towline.cloud.refusal import Refusal
from towline.cloud.tag import Tag, checked, shown, tag_properties
from towline.cloud.transaction import Decision, settle, witness
from towline.cloud.vpc.name import checked_name
from towline.cloud.vpc.nat_address import Brought, bring, changing, gateway_of, released
from towline.cloud.vpc.selection import filtered, present
from towline.resource.nat_gateway import NatGateway, NatState
from towline.resource.route_table import GatewayType, RouteTable
from towline.resource.vpc import Vpc
from towline.store.write import Write

_VPC_ID = re.compile(r"vpc-[a-z0-9]{8}")
_QUOTA = 10  # gateways of a VPC
_BANDWIDTHS = (20, 50, 100, 200, 500, 1000, 2000, 5000)
_CONNECTIONS = (1_000_000, 3_000_000, 10_000_000)
_STANDARD = 2  # the product version whose size cannot be chosen
_STANDARD_BANDWIDTH, _STANDARD_CONNECTIONS = 5000, 2_000_000


class CreateNatGateway(Parameters, frozen=True, kw_only=True):
    """What a new gateway is to be; its addresses are named by IP, not by id."""

    nat_gateway_name: str
    vpc_id: str
    internet_max_bandwidth_out: int = 100
    max_concurrent_connection: int = 1_000_000
    address_count: int = 0
    public_ip_addresses: tuple[str, ...] = ()
    zone: str = ""
    tags: tuple[Tag, ...] = ()
    subnet_id: str = ""
    stock_public_ip_addresses_bandwidth_out: int = 0
    public_ip_addresses_bandwidth_out: int = 0
    public_ip_from_same_zone: bool = False
    nat_product_version: int = 1
    deletion_protection_enabled: bool = False
    exclusive_type: str = ""


class NatGatewayAddress(Answer, frozen=True, kw_only=True):
    """One address of a gateway."""

    address_id: str
    public_ip_address: str
    is_blocked: bool = False
    block_type: str = ""


class NatGatewayInfo(Answer, frozen=True, kw_only=True):
    """One gateway, as the API shows it."""

    nat_gateway_id: str
    nat_gateway_name: str
    created_time: str
    state: str
    internet_max_bandwidth_out: int
    max_concurrent_connection: int
    public_ip_address_set: tuple[NatGatewayAddress, ...]
    network_state: str = "AVAILABLE"
    destination_ip_port_translation_nat_rule_set: tuple[str, ...] = ()
    vpc_id: str
    zone: str
    tag_set: tuple[Tag, ...]
    security_group_set: tuple[str, ...] = ()
    source_ip_translation_nat_rule_set: tuple[str, ...] = ()
    is_exclusive: bool = False
    restrict_state: str = "NORMAL"
    nat_product_version: int = 1
    deletion_protection_enabled: bool


class NatGateways(Answer, frozen=True, kw_only=True):
    """Some of the gateways, and how many there are."""

    nat_gateway_set: tuple[NatGatewayInfo, ...]
    total_count: int


class DescribeNatGateways(Parameters, frozen=True, kw_only=True):
    """Which gateways to show."""

    nat_gateway_ids: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    offset: int = 0
    limit: int = 20
    verbose_level: str = ""


class ModifyNatGatewayAttribute(Parameters, frozen=True, kw_only=True):
    """What is to be changed of a gateway."""

    nat_gateway_id: str
    nat_gateway_name: str | None = None
    internet_max_bandwidth_out: int | None = None
    modify_security_group: bool = False
    security_group_ids: tuple[str, ...] = ()
    deletion_protection_enabled: bool | None = None
    public_address_affinity: bool = False


class ResetNatGatewayConnection(Parameters, frozen=True, kw_only=True):
    """How many connections a gateway is to hold at most."""

    nat_gateway_id: str
    max_concurrent_connection: int
    exclusive_type: str = ""


class DeleteNatGateway(Parameters, frozen=True, kw_only=True):
    """Which gateway to remove."""

    nat_gateway_id: str
    ignore_operation_risk: bool = False


async def create_nat_gateway(context: Context, asked: CreateNatGateway) -> NatGateways:
    """Ask for a gateway; it has its addresses from the same moment on."""
    resources = context.resources
    gateway = _wanted(context, asked)

    def decide() -> Decision[NatGateway]:
        vpc = _vpc(resources, gateway.vpc_id)
        if len(resources.nat_gateways.list(vpc.id)) >= _QUOTA:
            raise Refusal(
                "LimitExceeded.NatGatewayPerVpcLimitExceeded",
                f"There are at most {_QUOTA} NAT gateways in a VPC.",
            )
        with_addresses, writes = bring(context, gateway, _brought(asked))
        creation = resources.nat_gateways.creation(vpc.id, gateway.id, with_addresses)
        return Decision([witness(resources.vpcs, "", vpc.id), *writes, creation], with_addresses)

    made = await settle(resources.store, decide)
    return NatGateways(nat_gateway_set=(_told(resources, made),), total_count=1)


async def describe_nat_gateways(context: Context, asked: DescribeNatGateways) -> NatGateways:
    """Show gateways in the order of their creation."""
    resources = context.resources
    chosen = present(resources.nat_gateways.by_age(), asked.nat_gateway_ids, asked.filters)
    properties = {
        "nat-gateway-id": lambda one: one.id,
        "nat-gateway-name": lambda one: one.name,
        "vpc-id": lambda one: one.vpc_id,
        "nat-state": lambda one: one.state.value,
        "zone": lambda one: one.zone,
        **tag_properties(asked.filters),
    }
    found = filtered(chosen, asked.filters, properties)
    page = part(found, asked.offset, asked.limit)
    return NatGateways(
        nat_gateway_set=tuple(_told(resources, one) for one in page), total_count=len(found)
    )


async def modify_nat_gateway_attribute(context: Context, asked: ModifyNatGatewayAttribute) -> Done:
    """Change a gateway's name, bandwidth or protection."""
    if asked.modify_security_group or asked.security_group_ids or asked.public_address_affinity:
        raise Refusal("UnsupportedOperation", "Gateways have no security groups here.")

    def change(gateway: NatGateway) -> NatGateway:
        if asked.nat_gateway_name is not None:
            name = checked_name("NatGatewayName", asked.nat_gateway_name)
            gateway = msgspec.structs.replace(gateway, name=name)
        if asked.deletion_protection_enabled is not None:
            gateway = msgspec.structs.replace(
                gateway, deletion_protection=asked.deletion_protection_enabled
            )
        if asked.internet_max_bandwidth_out is None:
            return gateway
        return changing(gateway, bandwidth=_bandwidth(asked.internet_max_bandwidth_out))

    return await _update(context, asked.nat_gateway_id, change)


async def reset_nat_gateway_connection(context: Context, asked: ResetNatGatewayConnection) -> Done:
    """Change how many connections a gateway holds at most."""
    connections = _connections(asked.max_concurrent_connection)
    return await _update(
        context, asked.nat_gateway_id, lambda one: changing(one, connections=connections)
    )


async def delete_nat_gateway(context: Context, asked: DeleteNatGateway) -> Done:
    """Ask for the removal of a gateway; all routes to it are removed now."""
    resources = context.resources

    def decide() -> Decision[Done]:
        gateway = gateway_of(resources, asked.nat_gateway_id)
        if gateway.deletion_protection:
            raise Refusal(
                "UnsupportedOperation.DeletionProtectionEnabled",
                f"{gateway.id} is protected from deletion.",
            )
        going = msgspec.structs.replace(gateway, state=NatState.DELETING, elastic_ip_ids=())
        writes: list[Write] = [
            resources.nat_gateways.substitution(gateway.vpc_id, gateway.id, going),
            *released(resources, gateway.elastic_ip_ids),
            # Every table is written, so that a route to the gateway that is made now is noticed.
            *(
                resources.route_tables.substitution(
                    table.vpc_id, table.id, _without(table, gateway)
                )
                for table in resources.route_tables.list(gateway.vpc_id)
            ),
        ]
        return Decision(writes, Done())

    return await settle(resources.store, decide)


ACTIONS: Mapping[str, AnyAction] = {
    "CreateNatGateway": Action(CreateNatGateway, create_nat_gateway),
    "DescribeNatGateways": Action(DescribeNatGateways, describe_nat_gateways),
    "ModifyNatGatewayAttribute": Action(ModifyNatGatewayAttribute, modify_nat_gateway_attribute),
    "ResetNatGatewayConnection": Action(ResetNatGatewayConnection, reset_nat_gateway_connection),
    "DeleteNatGateway": Action(DeleteNatGateway, delete_nat_gateway),
}


async def _update(
    context: Context, gateway_id: str, change: Callable[[NatGateway], NatGateway]
) -> Done:
    resources = context.resources

    def decide() -> Decision[Done]:
        gateway = gateway_of(resources, gateway_id)
        changed = change(gateway)
        if changed == gateway:
            return Decision([], Done())
        write = resources.nat_gateways.substitution(gateway.vpc_id, gateway.id, changed)
        return Decision([write], Done())

    return await settle(resources.store, decide)


def _wanted(context: Context, asked: CreateNatGateway) -> NatGateway:
    if asked.nat_product_version not in (1, _STANDARD) or asked.exclusive_type:
        raise Refusal("InvalidParameterValue", "NatProductVersion is 1 or 2.")
    is_standard = asked.nat_product_version == _STANDARD
    return NatGateway(
        id=resource_id("nat"),
        vpc_id=asked.vpc_id,
        name=checked_name("NatGatewayName", asked.nat_gateway_name),
        bandwidth=_STANDARD_BANDWIDTH
        if is_standard
        else _bandwidth(asked.internet_max_bandwidth_out),
        connections=_STANDARD_CONNECTIONS
        if is_standard
        else _connections(asked.max_concurrent_connection),
        zone=asked.zone or f"{context.settings.region}-1",
        created_at=context.now(),
        deletion_protection=asked.deletion_protection_enabled,
        tags=checked(asked.tags),
    )


def _brought(asked: CreateNatGateway) -> Brought:
    return Brought(
        ips=asked.public_ip_addresses,
        new=asked.address_count,
        bandwidth=asked.stock_public_ip_addresses_bandwidth_out,
        new_bandwidth=asked.public_ip_addresses_bandwidth_out,
    )


def _vpc(resources: Resources, vpc_id: str) -> Vpc:
    if not _VPC_ID.fullmatch(vpc_id):
        raise Refusal("InvalidVpcId.Malformed", f"`{vpc_id}` is no VPC id.")
    vpc = resources.vpcs.get("", vpc_id)
    if vpc is None:
        raise Refusal("InvalidVpcId.NotFound", f"The VPC {vpc_id} does not exist.")
    return vpc


def _bandwidth(number: int) -> int:
    return _one_of("InternetMaxBandwidthOut", number, _BANDWIDTHS)


def _connections(number: int) -> int:
    return _one_of("MaxConcurrentConnection", number, _CONNECTIONS)


def _one_of(parameter: str, number: int, choice: tuple[int, ...]) -> int:
    if number not in choice:
        known = ", ".join(map(str, choice))
        raise Refusal("InvalidParameterValue.Range", f"{parameter} must be one of {known}.")
    return number


def _without(table: RouteTable, gateway: NatGateway) -> RouteTable:
    target = (GatewayType.NAT, gateway.id)
    routes = tuple(one for one in table.routes if (one.gateway_type, one.gateway_id) != target)
    return msgspec.structs.replace(table, routes=routes)


def _told(resources: Resources, gateway: NatGateway) -> NatGatewayInfo:
    bound = (resources.elastic_ips.get("", id_) for id_ in gateway.elastic_ip_ids)
    return NatGatewayInfo(
        nat_gateway_id=gateway.id,
        nat_gateway_name=gateway.name,
        created_time=gateway.created_at,
        state=gateway.state.value,
        internet_max_bandwidth_out=gateway.bandwidth,
        max_concurrent_connection=gateway.connections,
        public_ip_address_set=tuple(
            NatGatewayAddress(address_id=one.id, public_ip_address=one.address)
            for one in bound
            if one is not None
        ),
        vpc_id=gateway.vpc_id,
        zone=gateway.zone,
        tag_set=shown(gateway.tags),
        nat_product_version=_STANDARD if gateway.connections == _STANDARD_CONNECTIONS else 1,
        deletion_protection_enabled=gateway.deletion_protection,
    )
