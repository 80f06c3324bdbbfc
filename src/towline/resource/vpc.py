"""A virtual private cloud: its address range, its subnets, and the addresses in use."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Vpc(msgspec.Struct, frozen=True, kw_only=True):
    """A network of its own, with one router and one resolver."""

    id: str
    name: str
    cidr: str
    created_at: str
    is_default: bool = False
    tags: dict[str, str] = {}


class Subnet(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a VPC's range; one virtual node serves the pods of one subnet."""

    id: str
    vpc_id: str
    name: str
    cidr: str
    zone: str
    created_at: str
    is_default: bool = False
    route_table_id: str = ""
    """The table it is associated with; empty for the VPC's main one."""
    tags: dict[str, str] = {}


class AddressOwner(StrEnum):
    """What an address of a subnet was taken for."""

    POD = "pod"
    LINK = "link"


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """A claim on one address; creating the record is taking the address."""

    vpc_id: str
    subnet_id: str
    ip: str
    owner: AddressOwner
    owner_id: str
    """The pod's uid, or `<instance id>/<vpc id>` of a link."""
