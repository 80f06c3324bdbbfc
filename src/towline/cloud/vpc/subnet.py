"""Subnets: CreateSubnet, DescribeSubnets."""

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
from towline.resource.vpc import Subnet, Vpc
from towline.store.error import Conflict, NotFound

_SMALLEST = 29  # bits of the smallest subnet's prefix
_RESERVED = 3  # the network's own address, the gateway's and the broadcast address
_NAME_LENGTH = 60


class CreateSubnet(Parameters, frozen=True, kw_only=True):
    """What a new subnet is to be."""

    vpc_id: str
    subnet_name: str
    zone: str
    stack_type: str = "IPv4"
    cidr_block: str
    ipv6_cidr_block: str = ""
    tags: tuple[Tag, ...] = ()
    cdc_id: str = ""


class SubnetInfo(Answer, frozen=True, kw_only=True):
    """One subnet, as the API shows it."""

    vpc_id: str
    subnet_id: str
    subnet_name: str
    cidr_block: str
    is_default: bool
    enable_broadcast: bool = False
    zone: str
    route_table_id: str
    created_time: str
    available_ip_address_count: int
    ipv6_cidr_block: str = ""
    network_acl_id: str = ""
    is_remote_vpc_snat: bool = False
    total_ip_address_count: int
    tag_set: tuple[Tag, ...] = ()
    cdc_id: str = ""
    is_cdc_subnet: int = 0
    stack_type: str = "IPv4"


class CreatedSubnet(Answer, frozen=True, kw_only=True):
    """The new subnet."""

    subnet: SubnetInfo


class DescribeSubnets(Parameters, frozen=True, kw_only=True):
    """Which subnets to show; the SDK sends the numbers as text."""

    subnet_ids: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    offset: str | int = 0
    limit: str | int = 20


class Subnets(Answer, frozen=True, kw_only=True):
    """Some of the subnets, and how many there are."""

    total_count: int
    subnet_set: tuple[SubnetInfo, ...]


async def create_subnet(context: Context, asked: CreateSubnet) -> CreatedSubnet:
    """Make a subnet; the agent builds its bridge."""
    resources = context.resources
    _check(context, asked)
    cidr = parse_cidr(asked.cidr_block)
    while True:
        vpc = resources.vpc(asked.vpc_id)
        _check_place(cidr, vpc, resources.subnets.list(vpc.id))
        subnet = Subnet(
            id=resource_id("subnet"),
            vpc_id=vpc.id,
            name=asked.subnet_name,
            cidr=str(cidr),
            zone=asked.zone,
            created_at=context.now(),
        )
        try:
            # Writing the VPC as it is makes two subnets that are created at once see each other.
            await resources.store.apply(
                [
                    resources.vpcs.substitution("", vpc.id, vpc),
                    resources.subnets.creation(vpc.id, subnet.id, subnet),
                ]
            )
        except (Conflict, NotFound):
            continue  # the VPC has a new subnet, or is gone: look again
        return CreatedSubnet(subnet=_info(context, subnet))


async def describe_subnets(context: Context, asked: DescribeSubnets) -> Subnets:
    """Show subnets in the order of their creation."""
    chosen = selected(context.resources.subnets.by_age(), asked.subnet_ids, asked.filters)
    properties = {
        "subnet-id": lambda subnet: subnet.id,
        "subnet-name": lambda subnet: subnet.name,
        "vpc-id": lambda subnet: subnet.vpc_id,
        "cidr-block": lambda subnet: subnet.cidr,
        "zone": lambda subnet: subnet.zone,
        "is-default": lambda subnet: "true" if subnet.is_default else "false",
    }
    found = matching(chosen, asked.filters, properties)
    shown = tuple(_info(context, subnet) for subnet in part(found, asked.offset, asked.limit))
    return Subnets(total_count=len(found), subnet_set=shown)


ACTIONS: Mapping[str, AnyAction] = {
    "CreateSubnet": Action(CreateSubnet, create_subnet),
    "DescribeSubnets": Action(DescribeSubnets, describe_subnets),
}


def _check(context: Context, asked: CreateSubnet) -> None:
    if not 0 < len(asked.subnet_name) <= _NAME_LENGTH:
        raise Refusal("InvalidParameterValue", f"SubnetName has 1 to {_NAME_LENGTH} characters.")
    if asked.stack_type != "IPv4" or asked.ipv6_cidr_block:
        raise Refusal("UnsupportedOperation", "Subnets are IPv4 only here.")
    region, _, number = asked.zone.rpartition("-")
    if region != context.settings.region or not number.isdigit():
        raise Refusal(
            "InvalidParameterValue",
            f"Zone `{asked.zone}` is not one of the region, like {context.settings.region}-1.",
        )


def _check_place(cidr: IPv4Network, vpc: Vpc, others: tuple[Subnet, ...]) -> None:
    if not cidr.subnet_of(IPv4Network(vpc.cidr)) or cidr.prefixlen > _SMALLEST:
        raise Refusal(
            "InvalidParameterValue.SubnetRange",
            f"CidrBlock {cidr} must lie in the VPC's {vpc.cidr}, no smaller than /{_SMALLEST}.",
        )
    for other in others:
        if cidr == IPv4Network(other.cidr):
            raise Refusal(
                "InvalidParameterValue.SubnetConflict", f"{cidr} is the range of {other.id}."
            )
        if cidr.overlaps(IPv4Network(other.cidr)):
            raise Refusal(
                "InvalidParameterValue.SubnetOverlap",
                f"{cidr} overlaps {other.cidr} of {other.id}.",
            )


def _info(context: Context, subnet: Subnet) -> SubnetInfo:
    total = IPv4Network(subnet.cidr).num_addresses - _RESERVED
    addresses = context.resources.addresses.list(subnet.vpc_id)
    taken = sum(address.subnet_id == subnet.id for address in addresses)
    return SubnetInfo(
        vpc_id=subnet.vpc_id,
        subnet_id=subnet.id,
        subnet_name=subnet.name,
        cidr_block=subnet.cidr,
        is_default=subnet.is_default,
        zone=subnet.zone,
        # Every VPC has one route table as yet, the default one.
        route_table_id=f"rtb-{subnet.vpc_id.removeprefix('vpc-')}",
        created_time=subnet.created_at,
        available_ip_address_count=total - taken,
        total_ip_address_count=total,
    )
