"""Everything the records say of the network, as one value with look-ups.

Layout, trace and diagnosis read the same model, so they cannot disagree on what was asked for. It
knows nothing of the kernel and of what was built of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network

from towline.resource.custom_domain import CustomDomain
from towline.resource.elastic_ip import ElasticIp, ElasticIpStatus
from towline.resource.instance import Instance
from towline.resource.link import Link, LinkStatus
from towline.resource.nat_gateway import NatGateway, NatState
from towline.resource.network_interface import NetworkInterface
from towline.resource.private_zone import PrivateZone, ZoneRecord
from towline.resource.public_endpoint import EndpointStatus, PublicEndpoint
from towline.resource.route_table import Route, RouteTable
from towline.resource.security_group import SecurityGroup
from towline.resource.uplink import NOWHERE, Uplink
from towline.resource.vpc import Subnet, Vpc

_NOT_BOUND = {
    ElasticIpStatus.CREATING,
    ElasticIpStatus.UNBIND,
    ElasticIpStatus.UNBINDING,
    ElasticIpStatus.OFFLINING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkModel:
    """The records, each kind in the order of its keys."""

    vpcs: tuple[Vpc, ...] = ()
    subnets: tuple[Subnet, ...] = ()
    route_tables: tuple[RouteTable, ...] = ()
    nat_gateways: tuple[NatGateway, ...] = ()
    elastic_ips: tuple[ElasticIp, ...] = ()
    security_groups: tuple[SecurityGroup, ...] = ()
    interfaces: tuple[NetworkInterface, ...] = ()
    links: tuple[Link, ...] = ()
    instances: tuple[Instance, ...] = ()
    public_endpoints: tuple[PublicEndpoint, ...] = ()
    private_zones: tuple[PrivateZone, ...] = ()
    zone_records: tuple[ZoneRecord, ...] = ()
    custom_domains: tuple[CustomDomain, ...] = ()
    uplink: Uplink = NOWHERE

    def vpc(self, vpc_id: str) -> Vpc | None:
        """The VPC with this id."""
        return next((one for one in self.vpcs if one.id == vpc_id), None)

    def subnet(self, subnet_id: str) -> Subnet | None:
        """The subnet with this id."""
        return next((one for one in self.subnets if one.id == subnet_id), None)

    def subnets_of(self, vpc_id: str) -> tuple[Subnet, ...]:
        """The subnets of a VPC."""
        return tuple(one for one in self.subnets if one.vpc_id == vpc_id)

    def subnet_at(self, vpc_id: str, address: str) -> Subnet | None:
        """The subnet of a VPC that an address is in."""
        return next((one for one in self.subnets_of(vpc_id) if contains(one.cidr, address)), None)

    def table_of(self, subnet: Subnet) -> RouteTable | None:
        """The route table of a subnet: its own, or the VPC's main one. None is as good as empty."""
        if subnet.route_table_id:
            return next((one for one in self.route_tables if one.id == subnet.route_table_id), None)
        mains = (one for one in self.route_tables if one.vpc_id == subnet.vpc_id and one.main)
        return next(mains, None)

    def nat_gateway(self, nat_id: str) -> NatGateway | None:
        """The NAT gateway with this id, unless it is about to go."""
        found = (one for one in self.nat_gateways if one.id == nat_id)
        return next((one for one in found if one.state is not NatState.DELETING), None)

    def elastic_ip(self, eip_id: str) -> ElasticIp | None:
        """The elastic IP with this id, bound or not."""
        return next((one for one in self.elastic_ips if one.id == eip_id), None)

    def addresses_of(self, nat: NatGateway) -> tuple[ElasticIp, ...]:
        """The elastic IPs with whose addresses connections leave a NAT gateway."""
        found = map(self.elastic_ip, nat.elastic_ip_ids)
        return tuple(one for one in found if one is not None and one.bound_to == nat.id)

    def elastic_ip_of(self, interface: NetworkInterface) -> ElasticIp | None:
        """The public address that an interface has for itself."""
        found = (one for one in self.elastic_ips if one.bound_to == interface.id)
        return next((one for one in found if one.status not in _NOT_BOUND), None)

    def elastic_ip_at(self, address: str) -> ElasticIp | None:
        """The elastic IP with this public address."""
        return next((one for one in self.elastic_ips if one.address == address), None)

    def interface(self, interface_id: str) -> NetworkInterface | None:
        """The interface with this id."""
        return next((one for one in self.interfaces if one.id == interface_id), None)

    def interface_at(self, vpc_id: str, address: str) -> NetworkInterface | None:
        """The pod's interface that has an address in a VPC."""
        found = (one for one in self.interfaces if one.private_ip == address)
        return next((one for one in found if one.vpc_id == vpc_id), None)

    def security_group(self, group_id: str) -> SecurityGroup | None:
        """The security group with this id."""
        return next((one for one in self.security_groups if one.id == group_id), None)

    def link_at(self, vpc_id: str, address: str) -> Link | None:
        """The link whose access address this is in a VPC."""
        found = (one for one in self.links if one.vpc_id == vpc_id and one.access_ip == address)
        return next((one for one in found if one.status is not LinkStatus.DELETING), None)

    def instance(self, instance_id: str) -> Instance | None:
        """The registry instance with this id."""
        return next((one for one in self.instances if one.id == instance_id), None)

    def instance_at(self, address: str) -> Instance | None:
        """The registry instance whose public address this is."""
        return next((one for one in self.instances if one.public_address == address), None)

    def endpoint_of(self, instance_id: str) -> PublicEndpoint:
        """The public endpoint of an instance; one that nobody ever opened is closed."""
        found = (one for one in self.public_endpoints if one.instance_id == instance_id)
        return next(found, PublicEndpoint(instance_id=instance_id))


def is_open(endpoint: PublicEndpoint) -> bool:
    """Whether there is to be a door at the public address."""
    return endpoint.status in {EndpointStatus.OPENING, EndpointStatus.OPENED}


def admits(endpoint: PublicEndpoint, address: str) -> bool:
    """Whether the allowlist has the address."""
    return any(contains(rule.cidr, address) for rule in endpoint.rules)


def best_route(routes: Iterable[Route], address: str) -> Route | None:
    """The enabled route with the longest prefix that fits an address."""
    fitting = (one for one in routes if one.enabled and contains(one.destination, address))
    return max(fitting, key=lambda one: _network(one.destination).prefixlen, default=None)


def contains(cidr: str, address: str) -> bool:
    """Whether an address is in a CIDR."""
    return IPv4Address(address) in _network(cidr)


@lru_cache(4096)
def _network(cidr: str) -> IPv4Network:
    return IPv4Network(cidr)
