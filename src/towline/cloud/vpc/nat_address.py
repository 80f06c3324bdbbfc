"""The addresses of NAT gateways: AssociateNatGatewayAddress, DisassociateNatGatewayAddress.

These actions name addresses by IP, not by id. A gateway and its addresses are written in one
transaction: an address is `BIND` in the same moment in which the gateway has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

import msgspec

from towline.cloud.action import Action, AnyAction, Done, Parameters
from towline.cloud.context import Context, Resources
from towline.cloud.refusal import Refusal
from towline.cloud.transaction import Decision, settle
from towline.cloud.vpc.allotment import Allotment, allot, checked_bandwidth
from towline.cloud.vpc.selection import one
from towline.resource.elastic_ip import ElasticIp, ElasticIpStatus
from towline.resource.nat_gateway import NatGateway, NatState
from towline.store.write import Update, Write

_QUOTA = 10  # addresses of a gateway
_REMEMBERED = 100  # addresses that a gateway has no more: enough to tell whose entry is an old one
_CHARGE_TYPE = "TRAFFIC_POSTPAID_BY_HOUR"
_UNFIT = "InvalidParameterValue.EIPBrandWidthOutInvalid"
_ABSENT = "UnsupportedOperation.PublicIpAddressIsNotExisted"


class AssociateNatGatewayAddress(Parameters, frozen=True, kw_only=True):
    """Addresses that a gateway is to have beside those it has."""

    nat_gateway_id: str
    address_count: int = 0
    public_ip_addresses: tuple[str, ...] = ()
    zone: str = ""
    stock_public_ip_addresses_bandwidth_out: int = 0
    public_ip_addresses_bandwidth_out: int = 0
    public_ip_from_same_zone: bool = False
    ip_address_enable_mode: bool = True


class DisassociateNatGatewayAddress(Parameters, frozen=True, kw_only=True):
    """Addresses that a gateway is not to have any more."""

    nat_gateway_id: str
    public_ip_addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Brought:
    """Addresses for a gateway: those of the account, told by IP, and how many new ones."""

    ips: tuple[str, ...]
    new: int
    bandwidth: int
    """Mbit/s that the addresses told by IP are to have; 0 to leave them as they are."""
    new_bandwidth: int
    """Mbit/s that the new ones are to have; 0 for no limit of their own."""


async def associate_nat_gateway_address(
    context: Context, asked: AssociateNatGatewayAddress
) -> Done:
    """Bind addresses to a gateway: all of them or none."""
    resources = context.resources
    if not asked.ip_address_enable_mode:
        raise Refusal("UnsupportedOperation", "Addresses of a gateway are always enabled here.")
    brought = Brought(
        ips=asked.public_ip_addresses,
        new=asked.address_count,
        bandwidth=asked.stock_public_ip_addresses_bandwidth_out,
        new_bandwidth=asked.public_ip_addresses_bandwidth_out,
    )

    def decide() -> Decision[Done]:
        gateway = gateway_of(resources, asked.nat_gateway_id)
        changed, writes = bring(context, gateway, brought)
        return Decision([*writes, _write(resources, changing(changed))], Done())

    return await settle(resources.store, decide)


async def disassociate_nat_gateway_address(
    context: Context, asked: DisassociateNatGatewayAddress
) -> Done:
    """Take addresses off a gateway: all of them or none.

    The cloud keeps a gateway's last address; here it may go too, and then nothing leaves.
    """
    resources = context.resources
    if not asked.public_ip_addresses:
        raise Refusal("MissingParameter", "PublicIpAddresses must name at least one address.")

    def decide() -> Decision[Done]:
        gateway = gateway_of(resources, asked.nat_gateway_id)
        leaving = _of_gateway(resources, gateway, asked.public_ip_addresses)
        going = [held.id for held in leaving]
        kept = tuple(id_ for id_ in gateway.elastic_ip_ids if id_ not in going)
        former = (*gateway.former_addresses, *(held.address for held in leaving))
        changed = changing(gateway, elastic_ip_ids=kept, former_addresses=former[-_REMEMBERED:])
        return Decision([*released(resources, going), _write(resources, changed)], Done())

    return await settle(resources.store, decide)


ACTIONS: Mapping[str, AnyAction] = {
    "AssociateNatGatewayAddress": Action(AssociateNatGatewayAddress, associate_nat_gateway_address),
    "DisassociateNatGatewayAddress": Action(
        DisassociateNatGatewayAddress, disassociate_nat_gateway_address
    ),
}


def gateway_of(resources: Resources, gateway_id: str) -> NatGateway:
    """The gateway with the id; refused when there is none or when it is being removed."""
    gateway = one(resources.nat_gateways.list(), gateway_id)
    if gateway.state is NatState.DELETING:
        raise Refusal("ResourceNotFound", f"{gateway.id} is being deleted.")
    return gateway


def changing(gateway: NatGateway, **changes: object) -> NatGateway:
    """The gateway with the changes, for the agent to carry out."""
    state = NatState.PENDING if gateway.state is NatState.PENDING else NatState.UPDATING
    return msgspec.structs.replace(gateway, state=state, **changes)


def bring(
    context: Context, gateway: NatGateway, brought: Brought
) -> tuple[NatGateway, list[Write]]:
    """The gateway with more addresses, and the writes that bind them to it."""
    resources = context.resources
    if not brought.ips and not brought.new:
        raise Refusal("MissingParameter", "Give AddressCount or PublicIpAddresses.")
    bound = [_bound(resources, gateway, brought, ip) for ip in dict.fromkeys(brought.ips)]
    writes: list[Write] = [resources.elastic_ips.substitution("", held.id, held) for held in bound]
    if brought.new:
        allotted, allotting = allot(context, _allotment(gateway, brought))
        bound += allotted
        writes += allotting
    ids = (*gateway.elastic_ip_ids, *(held.id for held in bound))
    if len(ids) > _QUOTA:
        raise Refusal(
            "LimitExceeded.PublicIpAddressPerNatGatewayLimitExceeded",
            f"A NAT gateway has at most {_QUOTA} addresses.",
        )
    here = {held.address for held in bound}
    former = tuple(address for address in gateway.former_addresses if address not in here)
    changed = msgspec.structs.replace(gateway, elastic_ip_ids=ids, former_addresses=former)
    return changed, writes


def released(resources: Resources, ids: Sequence[str]) -> list[Update]:
    """The writes that take addresses off their gateway."""
    held = [resources.elastic_ips.get("", id_) for id_ in ids]
    return [
        resources.elastic_ips.substitution(
            "",
            address.id,
            msgspec.structs.replace(address, status=ElasticIpStatus.UNBIND, bound_to=""),
        )
        for address in held
        if address is not None
    ]


def _allotment(gateway: NatGateway, brought: Brought) -> Allotment:
    bandwidth = brought.new_bandwidth
    if bandwidth:
        checked_bandwidth(_CHARGE_TYPE, bandwidth, _UNFIT)
    return Allotment(count=brought.new, bandwidth=bandwidth, bound_to=gateway.id)


def _bound(resources: Resources, gateway: NatGateway, brought: Brought, ip: str) -> ElasticIp:
    """The address with the IP, as it is when the gateway has it."""
    held = _by_ip(resources, ip, _ABSENT)
    if held.status is not ElasticIpStatus.UNBIND:
        raise Refusal("ResourceInUse.Address", f"{ip} is {held.status}, not UNBIND.")
    if brought.bandwidth:
        bandwidth = checked_bandwidth(held.charge_type, brought.bandwidth, _UNFIT)
        held = msgspec.structs.replace(held, bandwidth=bandwidth)
    return msgspec.structs.replace(held, status=ElasticIpStatus.BIND, bound_to=gateway.id)


def _of_gateway(resources: Resources, gateway: NatGateway, ips: Sequence[str]) -> list[ElasticIp]:
    found = [_by_ip(resources, ip, "ResourceNotFound") for ip in dict.fromkeys(ips)]
    for held in found:
        if held.id not in gateway.elastic_ip_ids:
            raise Refusal("ResourceNotFound", f"{gateway.id} has no address {held.address}.")
    return found


def _by_ip(resources: Resources, ip: str, absent: str) -> ElasticIp:
    """The address with the IP; refused with `absent` when the account has none."""
    try:
        IPv4Address(ip)
    except ValueError:
        raise Refusal(
            "InvalidParameterValue.Malformed", f"`{ip}` is no IP: addresses are not told by id."
        ) from None
    for held in resources.elastic_ips.list():
        if held.address == ip:
            return held
    raise Refusal(absent, f"The account has no address {ip}.")


def _write(resources: Resources, gateway: NatGateway) -> Update:
    return resources.nat_gateways.substitution(gateway.vpc_id, gateway.id, gateway)
