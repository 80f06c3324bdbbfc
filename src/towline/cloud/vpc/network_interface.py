"""Network interfaces: DescribeNetworkInterfaces shows who has which address of a VPC.

Pods have interfaces of their own, which the agent writes down. The access address of a registry's
link is shown as one too, as it takes an address of its subnet like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from towline.cloud.action import Action, Answer, AnyAction, Parameters
from towline.cloud.context import Context, Resources
from towline.cloud.page import Filter, part
from towline.cloud.tag import Tag
from towline.cloud.vpc.selection import filtered, selected
from towline.network.address import hardware_address
from towline.resource.elastic_ip import ElasticIp
from towline.resource.link import Link
from towline.resource.network_interface import NetworkInterface

_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_ID_LENGTH = 8
_LINK_NAME = "registry-access"


class DescribeNetworkInterfaces(Parameters, frozen=True, kw_only=True):
    """Which interfaces to show."""

    network_interface_ids: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    offset: int = 0
    limit: int = 20


class PrivateAddress(Answer, frozen=True, kw_only=True):
    """The address of an interface, and the public one that is bound to it."""

    private_ip_address: str
    primary: bool = True
    public_ip_address: str
    address_id: str
    description: str = ""
    is_wan_ip_blocked: bool = False
    state: str = "AVAILABLE"


class Attachment(Answer, frozen=True, kw_only=True):
    """What an interface is plugged into: a pod by its uid, or a registry instance."""

    instance_id: str
    device_index: int = 0
    instance_account_id: str
    attach_time: str


class NetworkInterfaceInfo(Answer, frozen=True, kw_only=True):
    """One interface, as the API shows it."""

    network_interface_id: str
    network_interface_name: str
    network_interface_description: str = ""
    subnet_id: str
    vpc_id: str
    group_set: tuple[str, ...]
    primary: bool = True
    mac_address: str
    state: str = "AVAILABLE"
    private_ip_address_set: tuple[PrivateAddress, ...]
    attachment: Attachment
    zone: str
    created_time: str
    ipv6_address_set: tuple[str, ...] = ()
    tag_set: tuple[Tag, ...] = ()
    eni_type: int = 1
    business: str


class NetworkInterfaces(Answer, frozen=True, kw_only=True):
    """Some of the interfaces, and how many there are."""

    network_interface_set: tuple[NetworkInterfaceInfo, ...]
    total_count: int


async def describe_network_interfaces(
    context: Context, asked: DescribeNetworkInterfaces
) -> NetworkInterfaces:
    """Show interfaces: pods' in the order in which they were attached, then links'."""
    resources = context.resources
    every = [*resources.network_interfaces.by_age(), *_of_links(resources)]
    chosen = selected(every, asked.network_interface_ids, asked.filters)
    bound = {one.bound_to: one for one in resources.elastic_ips.list() if one.bound_to}
    properties = {
        "network-interface-id": lambda one: one.id,
        "network-interface-name": lambda one: one.pod_name,
        "vpc-id": lambda one: one.vpc_id,
        "subnet-id": lambda one: one.subnet_id,
        "address-ip": lambda one: one.private_ip,
        "public-address-ip": lambda one: bound[one.id].address if one.id in bound else "",
        "groups.security-group-id": lambda one: one.security_group_ids,
        "attachment.instance-id": lambda one: one.pod_uid,
        "is-primary": lambda _: "true",
    }
    found = filtered(chosen, asked.filters, properties)
    page = part(found, asked.offset, asked.limit)
    return NetworkInterfaces(
        network_interface_set=tuple(_told(context, one, bound.get(one.id)) for one in page),
        total_count=len(found),
    )


ACTIONS: Mapping[str, AnyAction] = {
    "DescribeNetworkInterfaces": Action(DescribeNetworkInterfaces, describe_network_interfaces),
}


def link_interface_id(link: Link) -> str:
    """The id of a link's interface, which follows from what it links."""
    number = int.from_bytes(sha256(f"{link.instance_id}/{link.vpc_id}".encode()).digest())
    letters = list[str]()
    for _ in range(_ID_LENGTH):
        number, place = divmod(number, len(_BASE36))
        letters.append(_BASE36[place])
    return f"eni-{''.join(letters)}"


def _of_links(resources: Resources) -> list[NetworkInterface]:
    return [
        NetworkInterface(
            id=link_interface_id(link),
            vpc_id=link.vpc_id,
            subnet_id=link.subnet_id,
            private_ip=link.access_ip,
            pod_uid=link.instance_id,
            pod_name=_LINK_NAME,
            created_at=link.created_at,
        )
        for link in resources.links.by_age()
        if link.access_ip
    ]


def _told(
    context: Context, one: NetworkInterface, elastic_ip: ElasticIp | None
) -> NetworkInterfaceInfo:
    subnet = context.resources.subnets.get(one.vpc_id, one.subnet_id)
    address = PrivateAddress(
        private_ip_address=one.private_ip,
        public_ip_address="" if elastic_ip is None else elastic_ip.address,
        address_id="" if elastic_ip is None else elastic_ip.id,
    )
    return NetworkInterfaceInfo(
        network_interface_id=one.id,
        network_interface_name=one.pod_name,
        subnet_id=one.subnet_id,
        vpc_id=one.vpc_id,
        group_set=one.security_group_ids,
        mac_address=hardware_address(one.private_ip),
        private_ip_address_set=(address,),
        attachment=Attachment(
            instance_id=one.pod_uid,
            instance_account_id=context.uin,
            attach_time=one.created_at,
        ),
        zone="" if subnet is None else subnet.zone,
        created_time=one.created_at,
        business="tcr" if one.pod_name == _LINK_NAME else "eks",
    )
