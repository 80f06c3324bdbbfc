"""What the CLI reads out of the cloud's answers, parsed once."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


class InstanceView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A registry instance."""

    registry_id: str
    registry_name: str
    registry_type: str
    status: str
    public_domain: str
    created_at: str


class DoorView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """By which names and addresses an instance is reached."""

    registry_id: str
    domain: str
    vpc_domain: str
    public_address: str
    loopback_endpoint: str


class NamespaceView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A namespace of an instance."""

    name: str
    public: bool
    creation_time: str


class TokenView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A long-term token."""

    id: str
    desc: str
    enabled: bool
    created_at: str
    expired_at: int


class GrantView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """What a service account may do in a namespace."""

    resource: str
    actions: list[str]


class AccountView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A service account."""

    name: str
    description: str
    disable: bool
    expires_at: int
    create_time: str
    permissions: list[GrantView]


class SecretView(msgspec.Struct, frozen=True, kw_only=True):
    """A new credential, with the secret that is told only once."""

    id: str
    username: str
    password: str
    expires_at: int
    """Milliseconds since the epoch; -1 when it never expires."""


class LinkView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A private network access linkage."""

    vpc_id: str
    subnet_id: str
    status: str
    access_ip: str


class VpcView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A VPC."""

    vpc_id: str
    vpc_name: str
    cidr_block: str
    is_default: bool
    created_time: str


class SubnetView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A subnet."""

    subnet_id: str
    subnet_name: str
    vpc_id: str
    cidr_block: str
    zone: str
    available_ip_address_count: int


class RouteView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A route of a table."""

    route_id: int
    destination_cidr_block: str
    gateway_type: str
    gateway_id: str
    enabled: bool
    route_description: str


class AssociationView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A subnet that goes by a table."""

    subnet_id: str


class RouteTableView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A route table."""

    route_table_id: str
    route_table_name: str
    vpc_id: str
    main: bool
    association_set: list[AssociationView]
    route_set: list[RouteView]


class GatewayAddressView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """An elastic IP that a NAT gateway sends with."""

    address_id: str
    public_ip_address: str


class NatGatewayView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A NAT gateway."""

    nat_gateway_id: str
    nat_gateway_name: str
    vpc_id: str
    state: str
    internet_max_bandwidth_out: int
    public_ip_address_set: list[GatewayAddressView]


class ElasticIpView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """An elastic IP."""

    address_id: str
    address_name: str
    address_ip: str
    address_status: str
    instance_id: str
    private_address_ip: str
    bandwidth: int


class AccessRuleView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """An entry of an allowlist."""

    policy_index: int
    cidr_block: str
    description: str
    policy_version: str


class SecurityGroupView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A security group."""

    security_group_id: str
    security_group_name: str
    security_group_desc: str


class SecurityRuleView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A rule of a group."""

    policy_index: int = 0
    protocol: str
    port: str
    cidr_block: str
    action: str


class SecurityRulesView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """The rules of a group."""

    egress: list[SecurityRuleView]
    ingress: list[SecurityRuleView]


class ZoneVpcView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A VPC that sees a zone."""

    uniq_vpc_id: str


class ZoneView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A private zone."""

    zone_id: str
    domain: str
    record_count: int
    dns_forward_status: str
    vpc_set: list[ZoneVpcView]


class ZoneRecordView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A record of a zone."""

    record_id: str = ""
    sub_domain: str
    record_type: str
    record_value: str
    ttl: int = msgspec.field(name="TTL", default=600)


def view(value: Any, wanted: type[T]) -> T:
    """Read one value out of an answer."""
    return msgspec.convert(value, wanted)
