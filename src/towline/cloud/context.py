"""What every action is given: the stored resources, the settings, the clock, and who asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from towline.cloud.authenticate import Caller
from towline.cloud.refusal import Refusal
from towline.cloud.settings import Settings
from towline.resource import kind
from towline.resource.access_key import AccessKey
from towline.resource.addon import Addon
from towline.resource.audit_entry import AuditEntry
from towline.resource.claim import Claim
from towline.resource.cluster import Cluster
from towline.resource.credential import Credential
from towline.resource.custom_domain import CustomDomain
from towline.resource.elastic_ip import ElasticIp
from towline.resource.image_cache import ImageCache
from towline.resource.instance import Instance, InstanceStatus, Namespace
from towline.resource.link import Link
from towline.resource.nat_gateway import NatGateway
from towline.resource.network_interface import NetworkInterface
from towline.resource.private_zone import PrivateZone, PrivateZoneService, ZoneRecord
from towline.resource.public_endpoint import PublicEndpoint
from towline.resource.quota import Quota
from towline.resource.repository import Repository
from towline.resource.route_table import RouteTable
from towline.resource.security_group import SecurityGroup
from towline.resource.uplink import Uplink
from towline.resource.vpc import Address, Subnet, Vpc
from towline.store.collection import Collection
from towline.store.store import Store

Clock = Callable[[], datetime]


class Resources:
    """The collections of everything that the cloud manages."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.instances = Collection(store, kind.INSTANCE, Instance)
        self.namespaces = Collection(store, kind.NAMESPACE, Namespace)
        self.repositories = Collection(store, kind.REPOSITORY, Repository)
        self.custom_domains = Collection(store, kind.CUSTOM_DOMAIN, CustomDomain)
        self.credentials = Collection(store, kind.CREDENTIAL, Credential)
        self.claims = Collection(store, kind.CLAIM, Claim)
        self.vpcs = Collection(store, kind.VPC, Vpc)
        self.subnets = Collection(store, kind.SUBNET, Subnet)
        self.addresses = Collection(store, kind.ADDRESS, Address)
        self.links = Collection(store, kind.LINK, Link)
        self.public_endpoints = Collection(store, kind.PUBLIC_ENDPOINT, PublicEndpoint)
        self.clusters = Collection(store, kind.CLUSTER, Cluster)
        self.addons = Collection(store, kind.ADDON, Addon)
        self.image_caches = Collection(store, kind.IMAGE_CACHE, ImageCache)
        self.route_tables = Collection(store, kind.ROUTE_TABLE, RouteTable)
        self.nat_gateways = Collection(store, kind.NAT_GATEWAY, NatGateway)
        self.elastic_ips = Collection(store, kind.ELASTIC_IP, ElasticIp)
        self.security_groups = Collection(store, kind.SECURITY_GROUP, SecurityGroup)
        self.network_interfaces = Collection(store, kind.NETWORK_INTERFACE, NetworkInterface)
        self.private_zones = Collection(store, kind.PRIVATE_ZONE, PrivateZone)
        self.zone_records = Collection(store, kind.ZONE_RECORD, ZoneRecord)
        self.private_zone_services = Collection(
            store, kind.PRIVATE_ZONE_SERVICE, PrivateZoneService
        )
        self.uplinks = Collection(store, kind.UPLINK, Uplink)
        self.quotas = Collection(store, kind.QUOTA, Quota)
        self.access_keys = Collection(store, kind.ACCESS_KEY, AccessKey)
        self.audit = Collection(store, kind.AUDIT_ENTRY, AuditEntry)

    def instance(self, registry_id: str) -> Instance:
        """The instance with this id; refused when there is none."""
        instance = self.instances.get("", registry_id)
        if instance is None:
            raise Refusal("ResourceNotFound", f"The registry {registry_id} does not exist.")
        return instance

    def running(self, registry_id: str) -> Instance:
        """The instance with this id; refused while it is being made or removed."""
        instance = self.instance(registry_id)
        if instance.status is not InstanceStatus.RUNNING:
            raise Refusal(
                "ResourceInsufficient.ErrorInstanceNotRunning",
                f"The registry {registry_id} is {instance.status}, not Running.",
            )
        return instance

    def vpc(self, vpc_id: str) -> Vpc:
        """The VPC with this id; refused when there is none."""
        vpc = self.vpcs.get("", vpc_id)
        if vpc is None:
            raise Refusal("ResourceNotFound", f"The VPC {vpc_id} does not exist.")
        return vpc

    def subnet(self, vpc_id: str, subnet_id: str) -> Subnet:
        """The subnet of a VPC with this id; refused when the VPC has none."""
        subnet = self.subnets.get(self.vpc(vpc_id).id, subnet_id)
        if subnet is None:
            raise Refusal("ResourceNotFound", f"The VPC {vpc_id} has no subnet {subnet_id}.")
        return subnet


@dataclass(frozen=True, slots=True)
class Context:
    """One request's surroundings."""

    resources: Resources
    settings: Settings
    clock: Clock
    caller: Caller
    """Who signed the request."""

    @property
    def uin(self) -> str:
        """The account whose key signed the request."""
        return self.caller.uin

    def now(self) -> str:
        """The time, as stored: RFC 3339, UTC, whole seconds."""
        return rfc3339(self.clock())

    def today(self) -> str:
        """The date in UTC."""
        return self.clock().astimezone(UTC).date().isoformat()

    def milliseconds(self) -> int:
        """The time in milliseconds since the epoch."""
        return int(self.clock().timestamp() * 1000)


def rfc3339(moment: datetime) -> str:
    """A time in UTC and whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def millisecond(moment: datetime) -> str:
    """A time in UTC to the millisecond: such texts are in the order of their times."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
