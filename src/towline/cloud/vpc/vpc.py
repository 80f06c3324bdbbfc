"""VPCs: CreateVpc, DescribeVpcs, ModifyVpcAttribute, DeleteVpc.

A VPC and its main route table come and go together.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network

import msgspec

from towline.cloud.action import Action, Answer, AnyAction, Done, Parameters
from towline.cloud.context import Context, Resources
from towline.cloud.identifier import resource_id
from towline.cloud.page import Filter, part
from towline.cloud.quota import counted
from towline.cloud.refusal import Refusal
from towline.cloud.tag import Tag, checked, shown, tag_properties
from towline.cloud.transaction import Decision, removal, settle
from towline.cloud.vpc.cidr import parse_cidr
from towline.cloud.vpc.name import checked_name
from towline.cloud.vpc.route_table import main_table
from towline.cloud.vpc.selection import filtered, one, selected
from towline.resource.quota import VPCS
from towline.resource.vpc import Vpc

_RANGES = tuple(IPv4Network(text) for text in ("10.0.0.0/12", "172.16.0.0/12", "192.168.0.0/16"))
_SMALLEST = 28  # bits of the smallest VPC's prefix
_QUOTA = 20  # VPCs of a region
_RESOLVERS = ("183.60.83.19", "183.60.82.98")


class CreateVpc(Parameters, frozen=True, kw_only=True):
    """What a new VPC is to be."""

    vpc_name: str
    stack_type: str = "IPv4"
    cidr_block: str
    ipv6_cidr_block: str = ""
    address_type: str = ""
    enable_multicast: str = "false"
    dns_servers: tuple[str, ...] = ()
    domain_name: str = ""
    tags: tuple[Tag, ...] = ()
    enable_route_vpc_publish: bool = False
    enable_route_vpc_publish_ipv6: bool = False


class VpcInfo(Answer, frozen=True, kw_only=True):
    """One VPC, as the API shows it."""

    vpc_name: str
    vpc_id: str
    cidr_block: str
    is_default: bool
    enable_multicast: bool = False
    created_time: str
    dns_server_set: tuple[str, ...] = _RESOLVERS
    domain_name: str = ""
    dhcp_options_id: str = ""
    enable_dhcp: bool = True
    ipv6_cidr_block: str = ""
    tag_set: tuple[Tag, ...] = ()
    stack_type: str = "IPv4"


class CreatedVpc(Answer, frozen=True, kw_only=True):
    """The new VPC."""

    vpc: VpcInfo


class DescribeVpcs(Parameters, frozen=True, kw_only=True):
    """Which VPCs to show; the SDK sends the numbers as text."""

    vpc_ids: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    offset: str | int = 0
    limit: str | int = 20


class Vpcs(Answer, frozen=True, kw_only=True):
    """Some of the VPCs, and how many there are."""

    total_count: int
    vpc_set: tuple[VpcInfo, ...]


class ModifyVpcAttribute(Parameters, frozen=True, kw_only=True):
    """What a VPC is to be called; the rest can be said, but not changed."""

    vpc_id: str
    vpc_name: str | None = None
    enable_multicast: str = "false"
    dns_servers: tuple[str, ...] = ()
    domain_name: str = ""
    enable_route_vpc_publish: bool = False
    enable_cdc_publish: bool = False
    enable_route_vpc_publish_ipv6: bool = False


class DeleteVpc(Parameters, frozen=True, kw_only=True):
    """Which VPC to remove."""

    vpc_id: str


async def create_vpc(context: Context, asked: CreateVpc) -> CreatedVpc:
    """Make a VPC; the agent builds its router and its resolver."""
    name, tags = checked_name("VpcName", asked.vpc_name), checked(asked.tags)
    _check_unsupported(asked.stack_type, asked.ipv6_cidr_block, asked.dns_servers)
    cidr = parse_cidr(asked.cidr_block)
    if not any(cidr.subnet_of(range_) for range_ in _RANGES) or cidr.prefixlen > _SMALLEST:
        ranges = ", ".join(map(str, _RANGES))
        raise Refusal(
            "InvalidParameterValue",
            f"CidrBlock {cidr} must lie in one of {ranges} and be no smaller than /{_SMALLEST}.",
        )
    resources = context.resources

    def decide() -> Decision[Vpc]:
        if len(resources.vpcs.list()) >= _QUOTA:
            raise Refusal("VpcLimitExceeded", f"There are at most {_QUOTA} VPCs in a region.")
        now = context.now()
        vpc = Vpc(id=resource_id("vpc"), name=name, cidr=str(cidr), created_at=now, tags=tags)
        table = main_table(vpc.id, now)
        writes = [
            counted(context, VPCS),
            resources.vpcs.creation("", vpc.id, vpc),
            resources.route_tables.creation(vpc.id, table.id, table),
        ]
        return Decision(writes, vpc)

    return CreatedVpc(vpc=_info(await settle(resources.store, decide)))


async def describe_vpcs(context: Context, asked: DescribeVpcs) -> Vpcs:
    """Show VPCs in the order of their creation."""
    chosen = selected(context.resources.vpcs.by_age(), asked.vpc_ids, asked.filters)
    properties = {
        "vpc-id": lambda vpc: vpc.id,
        "vpc-name": lambda vpc: vpc.name,
        "cidr-block": lambda vpc: vpc.cidr,
        "is-default": lambda vpc: "true" if vpc.is_default else "false",
        **tag_properties(asked.filters),
    }
    found = filtered(chosen, asked.filters, properties)
    page = tuple(_info(vpc) for vpc in part(found, asked.offset, asked.limit))
    return Vpcs(total_count=len(found), vpc_set=page)


async def modify_vpc_attribute(context: Context, asked: ModifyVpcAttribute) -> Done:
    """Rename a VPC."""
    resources = context.resources
    if asked.enable_multicast == "true" or asked.domain_name:
        raise Refusal("UnsupportedOperation", "A VPC has neither multicast nor a domain here.")
    _check_unsupported("IPv4", "", asked.dns_servers)

    def decide() -> Decision[Done]:
        vpc = one(resources.vpcs.list(), asked.vpc_id)
        if asked.vpc_name is None:
            return Decision([], Done())
        renamed = msgspec.structs.replace(vpc, name=checked_name("VpcName", asked.vpc_name))
        return Decision([resources.vpcs.substitution("", vpc.id, renamed)], Done())

    return await settle(resources.store, decide)


async def delete_vpc(context: Context, asked: DeleteVpc) -> Done:
    """Remove a VPC in which there is nothing any more but its main route table."""
    resources = context.resources

    def decide() -> Decision[Done]:
        vpc = one(resources.vpcs.list(), asked.vpc_id)
        if inside := _inside(resources, vpc):
            raise Refusal("ResourceInUse", f"{vpc.id} still has {', '.join(inside)}.")
        tables = resources.route_tables
        writes = [
            removal(resources.vpcs, "", vpc.id),
            *(removal(tables, vpc.id, table.id) for table in tables.list(vpc.id)),
        ]
        return Decision(writes, Done())

    return await settle(resources.store, decide)


ACTIONS: Mapping[str, AnyAction] = {
    "CreateVpc": Action(CreateVpc, create_vpc),
    "DescribeVpcs": Action(DescribeVpcs, describe_vpcs),
    "ModifyVpcAttribute": Action(ModifyVpcAttribute, modify_vpc_attribute),
    "DeleteVpc": Action(DeleteVpc, delete_vpc),
}


def _check_unsupported(stack: str, ipv6_cidr: str, resolvers: tuple[str, ...]) -> None:
    if stack != "IPv4" or ipv6_cidr:
        raise Refusal("UnsupportedOperation", "VPCs are IPv4 only here.")
    if resolvers and set(resolvers) != set(_RESOLVERS):
        raise Refusal("UnsupportedOperation", "A VPC's resolvers cannot be chosen here.")


def _inside(resources: Resources, vpc: Vpc) -> list[str]:
    """What keeps a VPC from being deleted, by id."""
    others = (table for table in resources.route_tables.list(vpc.id) if not table.main)
    links = resources.links.list(vpc.id)
    clusters = (cluster for cluster in resources.clusters.list() if cluster.vpc_id == vpc.id)
    return [
        *(subnet.id for subnet in resources.subnets.list(vpc.id)),
        *(table.id for table in others),
        *(gateway.id for gateway in resources.nat_gateways.list(vpc.id)),
        *(f"the access linkage of {link.instance_id}" for link in links),
        *(cluster.id for cluster in clusters),
    ]


def _info(vpc: Vpc) -> VpcInfo:
    return VpcInfo(
        vpc_name=vpc.name,
        vpc_id=vpc.id,
        cidr_block=vpc.cidr,
        is_default=vpc.is_default,
        created_time=vpc.created_at,
        tag_set=shown(vpc.tags),
    )
