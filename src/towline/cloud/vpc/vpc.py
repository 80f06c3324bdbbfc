"""VPCs: CreateVpc, DescribeVpcs."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network

from towline.cloud.action import Action, Answer, AnyAction, Parameters
from towline.cloud.context import Context
from towline.cloud.identifier import resource_id
from towline.cloud.page import Filter, matching, part
from towline.cloud.refusal import Refusal
from towline.cloud.tag import Tag
from towline.cloud.vpc.cidr import parse_cidr
from towline.cloud.vpc.selection import selected
from towline.resource.vpc import Vpc

_RANGES = tuple(IPv4Network(text) for text in ("10.0.0.0/12", "172.16.0.0/12", "192.168.0.0/16"))
_SMALLEST = 28  # bits of the smallest VPC's prefix
_QUOTA = 20  # VPCs of a region
_NAME_LENGTH = 60
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


async def create_vpc(context: Context, asked: CreateVpc) -> CreatedVpc:
    """Make a VPC; the agent builds its router and its resolver."""
    if not 0 < len(asked.vpc_name) <= _NAME_LENGTH:
        raise Refusal("InvalidParameterValue", f"VpcName has 1 to {_NAME_LENGTH} characters.")
    _check_unsupported(asked)
    cidr = parse_cidr(asked.cidr_block)
    if not any(cidr.subnet_of(range_) for range_ in _RANGES) or cidr.prefixlen > _SMALLEST:
        ranges = ", ".join(map(str, _RANGES))
        raise Refusal(
            "InvalidParameterValue",
            f"CidrBlock {cidr} must lie in one of {ranges} and be no smaller than /{_SMALLEST}.",
        )
    vpcs = context.resources.vpcs
    if len(vpcs.list()) >= _QUOTA:
        raise Refusal("VpcLimitExceeded", f"There are at most {_QUOTA} VPCs in a region.")
    vpc = Vpc(id=resource_id("vpc"), name=asked.vpc_name, cidr=str(cidr), created_at=context.now())
    return CreatedVpc(vpc=_info(await vpcs.create("", vpc.id, vpc)))


async def describe_vpcs(context: Context, asked: DescribeVpcs) -> Vpcs:
    """Show VPCs in the order of their creation."""
    chosen = selected(context.resources.vpcs.by_age(), asked.vpc_ids, asked.filters)
    properties = {
        "vpc-id": lambda vpc: vpc.id,
        "vpc-name": lambda vpc: vpc.name,
        "cidr-block": lambda vpc: vpc.cidr,
        "is-default": lambda vpc: "true" if vpc.is_default else "false",
    }
    found = matching(chosen, asked.filters, properties)
    shown = tuple(_info(vpc) for vpc in part(found, asked.offset, asked.limit))
    return Vpcs(total_count=len(found), vpc_set=shown)


ACTIONS: Mapping[str, AnyAction] = {
    "CreateVpc": Action(CreateVpc, create_vpc),
    "DescribeVpcs": Action(DescribeVpcs, describe_vpcs),
}


def _check_unsupported(asked: CreateVpc) -> None:
    if asked.stack_type != "IPv4" or asked.ipv6_cidr_block:
        raise Refusal("UnsupportedOperation", "VPCs are IPv4 only here.")
    if asked.dns_servers and set(asked.dns_servers) != set(_RESOLVERS):
        raise Refusal("UnsupportedOperation", "A VPC's resolvers cannot be chosen here.")


def _info(vpc: Vpc) -> VpcInfo:
    return VpcInfo(
        vpc_name=vpc.name,
        vpc_id=vpc.id,
        cidr_block=vpc.cidr,
        is_default=vpc.is_default,
        created_time=vpc.created_at,
    )
