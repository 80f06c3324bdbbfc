"""What the records say of the network, as the agent reads it."""

from __future__ import annotations

from contextlib import suppress
from typing import TypeVar

from towline.network.model import NetworkModel
from towline.resource import kind
from towline.resource.claim import Claim
from towline.resource.cluster import Cluster
from towline.resource.custom_domain import CustomDomain
from towline.resource.elastic_ip import ElasticIp
from towline.resource.instance import Instance
from towline.resource.link import Link
from towline.resource.nat_gateway import NatGateway
from towline.resource.network_interface import NetworkInterface
from towline.resource.private_zone import PrivateZone, ZoneRecord
from towline.resource.public_endpoint import PublicEndpoint
from towline.resource.route_table import RouteTable
from towline.resource.security_group import SecurityGroup
from towline.resource.uplink import NAME, NOWHERE, Uplink
from towline.resource.vpc import Address, Subnet, Vpc
from towline.store.collection import Collection
from towline.store.error import NotFound
from towline.store.store import Store

T = TypeVar("T")


class Records:
    """The collections that have to do with the network."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.instances = Collection(store, kind.INSTANCE, Instance)
        self.vpcs = Collection(store, kind.VPC, Vpc)
        self.subnets = Collection(store, kind.SUBNET, Subnet)
        self.addresses = Collection(store, kind.ADDRESS, Address)
        self.links = Collection(store, kind.LINK, Link)
        self.claims = Collection(store, kind.CLAIM, Claim)
        self.clusters = Collection(store, kind.CLUSTER, Cluster)
        self.route_tables = Collection(store, kind.ROUTE_TABLE, RouteTable)
        self.nat_gateways = Collection(store, kind.NAT_GATEWAY, NatGateway)
        self.elastic_ips = Collection(store, kind.ELASTIC_IP, ElasticIp)
        self.security_groups = Collection(store, kind.SECURITY_GROUP, SecurityGroup)
        self.interfaces = Collection(store, kind.NETWORK_INTERFACE, NetworkInterface)
        self.public_endpoints = Collection(store, kind.PUBLIC_ENDPOINT, PublicEndpoint)
        self.private_zones = Collection(store, kind.PRIVATE_ZONE, PrivateZone)
        self.custom_domains = Collection(store, kind.CUSTOM_DOMAIN, CustomDomain)
        self.zone_records = Collection(store, kind.ZONE_RECORD, ZoneRecord)
        self.uplinks = Collection(store, kind.UPLINK, Uplink)

    def subnet(self, subnet_id: str) -> Subnet | None:
        """The subnet with this id, whatever its VPC."""
        return next((one for one in self.subnets.list() if one.id == subnet_id), None)

    async def tell_uplink(self, uplink: Uplink) -> None:
        """Write down where the internet leads now."""
        held = self.uplinks.get("", NAME)
        if held is None:
            await self.uplinks.create("", NAME, uplink)
        elif held != uplink:
            await self.uplinks.update("", NAME, lambda _: uplink)

    def model(self) -> NetworkModel:
        """All of it at this moment."""
        return NetworkModel(
            vpcs=self.vpcs.list(),
            subnets=self.subnets.list(),
            route_tables=self.route_tables.list(),
            nat_gateways=self.nat_gateways.list(),
            elastic_ips=self.elastic_ips.list(),
            security_groups=self.security_groups.list(),
            interfaces=self.interfaces.list(),
            links=self.links.list(),
            instances=self.instances.list(),
            public_endpoints=self.public_endpoints.list(),
            private_zones=self.private_zones.list(),
            zone_records=self.zone_records.list(),
            custom_domains=self.custom_domains.list(),
            uplink=self.uplinks.get("", NAME) or NOWHERE,
        )


async def turn(collection: Collection[T], scope: str, name: str, seen: T, into: T) -> None:
    """Replace what was seen; nothing happens when it has changed or gone meanwhile."""
    with suppress(NotFound):
        await collection.update(scope, name, lambda held: into if held == seen else held)
