"""Elastic IPs: allot, describe, change and release them.

Answers name a task, as the cloud does these things one after the other; see `task`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from towline.cloud.action import Action, Answer, AnyAction, Done, Parameters
from towline.cloud.context import Context, Resources
from towline.cloud.page import Filter, matching, part
from towline.cloud.refusal import Refusal
from towline.cloud.tag import Tag, checked, shown, tag_properties
from towline.cloud.transaction import Decision, removal, settle
from towline.cloud.vpc.allotment import Allotment, allot, checked_bandwidth, checked_charge_type
from towline.cloud.vpc.name import checked_text
from towline.cloud.vpc.task import TaskStarted, task_of
from towline.resource.elastic_ip import ElasticIp, ElasticIpStatus
from towline.store.write import Write

_ID = re.compile(r"eip-[a-z0-9]{8}")
_NAME_LENGTH = 60
_TOKEN_LENGTH = 64
_GATEWAY = "nat-"


class AllocateAddresses(Parameters, frozen=True, kw_only=True):
    """How many addresses are wanted, and what they are to be like.

    An address without a bandwidth of its own has that of what it is bound to.
    """

    address_count: int = 1
    internet_service_provider: str = "BGP"
    internet_charge_type: str = "TRAFFIC_POSTPAID_BY_HOUR"
    internet_max_bandwidth_out: int | None = None
    address_charge_prepaid: dict[str, int | str] | None = None
    address_type: str = "EIP"
    anycast_zone: str = ""
    vip_cluster: tuple[str, ...] = ()
    applicable_for_clb: bool = msgspec.field(name="ApplicableForCLB", default=False)
    ip_charge_type: str = msgspec.field(name="IPChargeType", default="")
    tags: tuple[Tag, ...] = ()
    bandwidth_package_id: str = ""
    address_name: str = ""
    dedicated_cluster_id: str = ""
    is_dedicated_address_pool: bool = True
    egress: str = ""
    anti_ddos_package_id: str = msgspec.field(name="AntiDDoSPackageId", default="")
    client_token: str = ""


class Allocated(TaskStarted, frozen=True, kw_only=True):
    """The ids of the new addresses."""

    address_set: tuple[str, ...]


class DescribeAddresses(Parameters, frozen=True, kw_only=True):
    """Which addresses to show."""

    address_ids: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    offset: int = 0
    limit: int = 20


class AddressInfo(Answer, frozen=True, kw_only=True):
    """One elastic IP, as the API shows it."""

    address_id: str
    address_name: str
    address_status: str
    address_ip: str
    instance_id: str
    created_time: str
    network_interface_id: str
    private_address_ip: str
    is_arrears: bool = False
    is_blocked: bool = False
    is_eip_direct_connection: bool = False
    address_type: str = "EIP"
    cascade_release: bool
    internet_service_provider: str = "BGP"
    local_bgp: bool = False
    bandwidth: int
    internet_charge_type: str
    tag_set: tuple[Tag, ...]
    instance_type: str
    egress: str = "center_egress1"
    anti_ddos_package_id: str = msgspec.field(name="AntiDDoSPackageId", default="")
    renew_flag: str = ""
    bandwidth_package_id: str = ""


class Addresses(Answer, frozen=True, kw_only=True):
    """Some of the addresses, and how many there are."""

    total_count: int
    address_set: tuple[AddressInfo, ...]


class ReleaseAddresses(Parameters, frozen=True, kw_only=True):
    """Which addresses to give back."""

    address_ids: tuple[str, ...]


class ModifyAddressesBandwidth(Parameters, frozen=True, kw_only=True):
    """How many Mbit/s addresses are to have."""

    address_ids: tuple[str, ...]
    internet_max_bandwidth_out: int
    start_time: str = ""
    end_time: str = ""


class ModifyAddressAttribute(Parameters, frozen=True, kw_only=True):
    """What an address is to be called; the rest can be said, but not changed."""

    address_id: str
    address_name: str | None = None
    eip_direct_connection: str = ""
    eip_visible_on_eni: bool = False


async def allocate_addresses(context: Context, asked: AllocateAddresses) -> Allocated:
    """Allot addresses: all of them or none; the same token twice is one request."""
    resources, wanted = context.resources, _allotment(asked)

    def decide() -> Decision[tuple[str, ...]]:
        if before := _of_token(resources, wanted.client_token):
            if len(before) != wanted.count:
                raise Refusal(
                    "UnsupportedOperation.IdempotentParameterMismatch",
                    f"ClientToken `{wanted.client_token}` was used for another request.",
                )
            return Decision([], before)
        allotted, writes = allot(context, wanted)
        return Decision(writes, tuple(one.id for one in allotted))

    ids = await settle(resources.store, decide)
    return Allocated(address_set=ids, task_id=task_of(resources, ids))


async def describe_addresses(context: Context, asked: DescribeAddresses) -> Addresses:
    """Show addresses in the order of their allotment."""
    chosen = _chosen(context.resources, asked)
    properties = {
        "address-id": lambda one: one.id,
        "address-name": lambda one: one.name,
        "address-ip": lambda one: one.address,
        "address-status": lambda one: one.status.value,
        "instance-id": lambda one: _told(one).instance_id,
        "instance-type": lambda one: _told(one).instance_type,
        "network-interface-id": lambda one: _told(one).network_interface_id,
        "private-ip-address": lambda one: one.private_ip,
        "is-arrears": lambda _: "FALSE",
        "address-type": lambda _: "EIP",
        "address-isp": lambda _: "BGP",
        **tag_properties(asked.filters),
    }
    found = matching(chosen, asked.filters, properties, "InvalidParameter.InvalidFilter")
    page = tuple(_told(one) for one in part(found, asked.offset, asked.limit))
    return Addresses(total_count=len(found), address_set=page)


async def release_addresses(context: Context, asked: ReleaseAddresses) -> TaskStarted:
    """Give addresses back that are bound to nothing: all of them or none."""
    resources = context.resources

    def decide() -> Decision[None]:
        writes = list[Write]()
        for one in elastic_ips(resources, asked.address_ids):
            if one.status is not ElasticIpStatus.UNBIND:
                raise Refusal("InvalidAddressState", f"{one.id} is {one.status}, not UNBIND.")
            writes += [removal(resources.elastic_ips, "", one.id)]
        return Decision(writes, None)

    await settle(resources.store, decide)
    return TaskStarted(task_id=task_of(resources, ()))


async def modify_addresses_bandwidth(
    context: Context, asked: ModifyAddressesBandwidth
) -> TaskStarted:
    """Change the bandwidth of addresses: of all of them or of none."""
    resources = context.resources

    def decide() -> Decision[None]:
        writes = list[Write]()
        for one in elastic_ips(resources, asked.address_ids):
            bandwidth = checked_bandwidth(one.charge_type, asked.internet_max_bandwidth_out)
            changed = msgspec.structs.replace(one, bandwidth=bandwidth)
            writes += [resources.elastic_ips.substitution("", one.id, changed)]
        return Decision(writes, None)

    await settle(resources.store, decide)
    return TaskStarted(task_id=task_of(resources, asked.address_ids))


async def modify_address_attribute(context: Context, asked: ModifyAddressAttribute) -> Done:
    """Rename an address."""
    resources = context.resources
    if asked.eip_direct_connection.upper() == "TRUE" or asked.eip_visible_on_eni:
        raise Refusal("UnsupportedOperation.ModifyAddressAttribute", "Only names can be changed.")

    def decide() -> Decision[Done]:
        (one,) = elastic_ips(resources, (asked.address_id,))
        if asked.address_name is None:
            return Decision([], Done())
        name = checked_text("AddressName", asked.address_name, _NAME_LENGTH)
        renamed = msgspec.structs.replace(one, name=name)
        return Decision([resources.elastic_ips.substitution("", one.id, renamed)], Done())

    return await settle(resources.store, decide)


ACTIONS: Mapping[str, AnyAction] = {
    "AllocateAddresses": Action(AllocateAddresses, allocate_addresses),
    "DescribeAddresses": Action(DescribeAddresses, describe_addresses),
    "ReleaseAddresses": Action(ReleaseAddresses, release_addresses),
    "ModifyAddressesBandwidth": Action(ModifyAddressesBandwidth, modify_addresses_bandwidth),
    "ModifyAddressAttribute": Action(ModifyAddressAttribute, modify_address_attribute),
}


def elastic_ips(resources: Resources, ids: Sequence[str]) -> list[ElasticIp]:
    """The addresses with these ids, each once; refused when one of them does not exist."""
    if not ids:
        raise Refusal("MissingParameter", "AddressIds must name at least one address.")
    found = list[ElasticIp]()
    for id_ in dict.fromkeys(ids):
        _check_id(id_)
        one = resources.elastic_ips.get("", id_)
        if one is None:
            raise Refusal("InvalidAddressId.NotFound", f"The address {id_} does not exist.")
        found.append(one)
    return found


def _check_id(id_: str) -> None:
    if not _ID.fullmatch(id_):
        raise Refusal("InvalidParameterValue.AddressIdMalformed", f"`{id_}` is no address id.")


def _chosen(resources: Resources, asked: DescribeAddresses) -> list[ElasticIp]:
    """The addresses asked for by id that exist; clients wait until one is no longer listed."""
    if asked.address_ids and any(one.name == "address-id" for one in asked.filters):
        raise Refusal("InvalidParameter.Coexist", "AddressIds and address-id go not together.")
    for id_ in asked.address_ids:
        _check_id(id_)
    every = resources.elastic_ips.by_age()
    return [one for one in every if not asked.address_ids or one.id in asked.address_ids]


def _allotment(asked: AllocateAddresses) -> Allotment:
    if asked.address_type != "EIP":
        raise Refusal("UnsupportedOperation", "Addresses are of the type EIP here.")
    if asked.internet_service_provider != "BGP":
        raise Refusal("UnsupportedOperation.IspNotSupported", "The only line here is BGP.")
    if asked.bandwidth_package_id:
        raise Refusal(
            "UnsupportedOperation.BandwidthPackageIdNotSupported",
            "There are no bandwidth packages here.",
        )
    token = checked_text("ClientToken", asked.client_token, _TOKEN_LENGTH)
    if not token.isascii():
        raise Refusal("InvalidParameterValue", "ClientToken must be ASCII.")
    charge_type, bandwidth = checked_charge_type(asked.internet_charge_type), 0
    if asked.internet_max_bandwidth_out is not None:
        bandwidth = checked_bandwidth(charge_type, asked.internet_max_bandwidth_out)
    return Allotment(
        count=asked.address_count,
        name=checked_text("AddressName", asked.address_name, _NAME_LENGTH),
        charge_type=charge_type,
        bandwidth=bandwidth,
        client_token=token,
        tags=checked(asked.tags),
    )


def _of_token(resources: Resources, token: str) -> tuple[str, ...]:
    every = resources.elastic_ips.by_age() if token else ()
    return tuple(one.id for one in every if one.client_token == token)


def _told(one: ElasticIp) -> AddressInfo:
    is_gateways = one.bound_to.startswith(_GATEWAY)
    kind = "NAT" if is_gateways else "ENI" if one.bound_to else ""
    return AddressInfo(
        address_id=one.id,
        address_name=one.name,
        address_status=one.status.value,
        address_ip=one.address,
        instance_id=one.bound_to if is_gateways else "",
        created_time=one.created_at,
        network_interface_id="" if is_gateways else one.bound_to,
        private_address_ip=one.private_ip,
        cascade_release=one.goes_with_owner,
        bandwidth=one.bandwidth,
        internet_charge_type=one.charge_type,
        tag_set=shown(one.tags),
        instance_type=kind,
    )
