"""Subnets: CreateSubnet, DescribeSubnets, ModifySubnetAttribute, DeleteSubnet."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network

import msgspec

from towline.cloud.action import Action, Answer, AnyAction, Done, Parameters
from towline.cloud.context import Context, Resources
from towline.cloud.identifier import resource_id
from towline.cloud.page import Filter, part
from towline.cloud.refusal import Refusal
from towline.cloud.tag import Tag, checked, shown, tag_properties
from towline.cloud.transaction import Decision, removal, settle, witness
from towline.cloud.vpc.cidr import parse_cidr
from towline.cloud.vpc.name import checked_name
from towline.cloud.vpc.route_table import table_id_of
from towline.cloud.vpc.selection import filtered, one, selected
from towline.resource.vpc import Subnet, Vpc

_SMALLEST = 29  # bits of the smallest subnet's prefix
_RESERVED = 3  # the network's own address, the gateway's and the broadcast address
_QUOTA = 100  # subnets of a VPC


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
    """Which subnets to show; the SDK sends the numbers as text.

    Who gives `MaxResults` goes on with the token of the last answer instead of an offset.
    """

    subnet_ids: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    offset: str | int = 0
    limit: str | int = 20
    max_results: int = 0
    next_token: str = ""


class Subnets(Answer, frozen=True, kw_only=True):
    """Some of the subnets, and how many there are."""

    total_count: int
    subnet_set: tuple[SubnetInfo, ...]
    next_token: str = ""


class ModifySubnetAttribute(Parameters, frozen=True, kw_only=True):
    """What a subnet is to be called."""

    subnet_id: str
    subnet_name: str | None = None
    enable_broadcast: str = "false"


class DeleteSubnet(Parameters, frozen=True, kw_only=True):
    """Which subnet to remove."""

    subnet_id: str


async def create_subnet(context: Context, asked: CreateSubnet) -> CreatedSubnet:
    """Make a subnet; the agent builds its bridge."""
    resources = context.resources
    _check(context, asked)
    name, tags = checked_name("SubnetName", asked.subnet_name), checked(asked.tags)
    cidr = parse_cidr(asked.cidr_block)

    def decide() -> Decision[Subnet]:
        vpc = resources.vpc(asked.vpc_id)
        others = resources.subnets.list(vpc.id)
        if len(others) >= _QUOTA:
            raise Refusal("LimitExceeded", f"There are at most {_QUOTA} subnets in a VPC.")
        _check_place(cidr, vpc, others)
        subnet = Subnet(
            id=resource_id("subnet"),
            vpc_id=vpc.id,
            name=name,
            cidr=str(cidr),
            zone=asked.zone,
            created_at=context.now(),
            tags=tags,
        )
        creation = resources.subnets.creation(vpc.id, subnet.id, subnet)
        return Decision([witness(resources.vpcs, "", vpc.id), creation], subnet)

    return CreatedSubnet(subnet=_info(context, await settle(resources.store, decide)))


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
        "is-remote-vpc-snat": lambda _: "false",
        "cdc-id": lambda _: "",
        **tag_properties(asked.filters),
    }
    found = filtered(chosen, asked.filters, properties)
    offset, limit = asked.offset, asked.limit
    if asked.max_results:
        offset, limit = asked.next_token or 0, asked.max_results
    page = tuple(_info(context, subnet) for subnet in part(found, offset, limit))
    end = int(offset) + len(page)
    token = str(end) if asked.max_results and page and end < len(found) else ""
    return Subnets(total_count=len(found), subnet_set=page, next_token=token)


async def modify_subnet_attribute(context: Context, asked: ModifySubnetAttribute) -> Done:
    """Rename a subnet."""
    resources = context.resources
    if asked.enable_broadcast.lower() == "true":
        raise Refusal("UnsupportedOperation", "A subnet has no broadcast here.")

    def decide() -> Decision[Done]:
        subnet = one(resources.subnets.list(), asked.subnet_id)
        if asked.subnet_name is None:
            return Decision([], Done())
        name = checked_name("SubnetName", asked.subnet_name)
        renamed = msgspec.structs.replace(subnet, name=name)
        return Decision([resources.subnets.substitution(subnet.vpc_id, subnet.id, renamed)], Done())

    return await settle(resources.store, decide)


async def delete_subnet(context: Context, asked: DeleteSubnet) -> Done:
    """Remove a subnet of which no address is in use and which no cluster puts pods in."""
    resources = context.resources

    def decide() -> Decision[Done]:
        subnet = one(resources.subnets.list(), asked.subnet_id)
        if users := _users(resources, subnet):
            raise Refusal("ResourceInUse", f"{subnet.id} is in use by {', '.join(users)}.")
        return Decision([removal(resources.subnets, subnet.vpc_id, subnet.id)], Done())

    return await settle(resources.store, decide)


ACTIONS: Mapping[str, AnyAction] = {
    "CreateSubnet": Action(CreateSubnet, create_subnet),
    "DescribeSubnets": Action(DescribeSubnets, describe_subnets),
    "ModifySubnetAttribute": Action(ModifySubnetAttribute, modify_subnet_attribute),
    "DeleteSubnet": Action(DeleteSubnet, delete_subnet),
}


def _check(context: Context, asked: CreateSubnet) -> None:
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
        route_table_id=table_id_of(subnet),
        created_time=subnet.created_at,
        available_ip_address_count=total - taken,
        total_ip_address_count=total,
        tag_set=shown(subnet.tags),
    )


def _users(resources: Resources, subnet: Subnet) -> list[str]:
    """What keeps a subnet from being deleted: addresses in use, links without one yet, clusters."""
    addresses, links = resources.addresses.list(subnet.vpc_id), resources.links.list(subnet.vpc_id)
    clusters = resources.clusters.list()
    return [
        *(address.ip for address in addresses if address.subnet_id == subnet.id),
        *(link.instance_id for link in links if link.subnet_id == subnet.id),
        *(
            cluster.id
            for cluster in clusters
            if subnet.id in (*cluster.subnet_ids, cluster.service_subnet_id)
        ),
    ]
