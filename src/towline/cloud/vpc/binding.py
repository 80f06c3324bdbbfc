"""Binding elastic IPs to pods' network interfaces: AssociateAddress, DisassociateAddress.

Both are asked for here and done by the agent, which turns `BINDING` into `BIND` and `UNBINDING` into
`UNBIND`. NAT gateways have actions of their own.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from towline.cloud.action import Action, AnyAction, Parameters
from towline.cloud.context import Context, Resources
from towline.cloud.refusal import Refusal
from towline.cloud.transaction import Decision, settle, witness
from towline.cloud.vpc.elastic_ip import elastic_ips
from towline.cloud.vpc.task import TaskStarted, task_of
from towline.resource.elastic_ip import ElasticIp, ElasticIpStatus
from towline.resource.network_interface import NetworkInterface

_BOUND = {ElasticIpStatus.BIND, ElasticIpStatus.BIND_ENI}


class AssociateAddress(Parameters, frozen=True, kw_only=True):
    """Which address to bind, and to what."""

    address_id: str
    instance_id: str = ""
    network_interface_id: str = ""
    private_ip_address: str = ""
    eip_direct_connection: bool = False
    instance_region: str = ""


class DisassociateAddress(Parameters, frozen=True, kw_only=True):
    """Which address to bind to nothing."""

    address_id: str
    reallocate_normal_public_ip: bool = False


async def associate_address(context: Context, asked: AssociateAddress) -> TaskStarted:
    """Ask for an address to be bound to an interface."""
    resources = context.resources
    _check(asked)

    def decide() -> Decision[None]:
        (one,) = elastic_ips(resources, (asked.address_id,))
        if one.status is not ElasticIpStatus.UNBIND:
            raise Refusal(
                "UnsupportedOperation.AddressStatusNotPermit",
                f"{one.id} is {one.status}, not UNBIND.",
            )
        interface = _interface(resources, asked)
        _check_free(resources, interface)
        bound = msgspec.structs.replace(
            one,
            status=ElasticIpStatus.BINDING,
            bound_to=interface.id,
            private_ip=interface.private_ip,
        )
        writes = [
            witness(resources.network_interfaces, interface.vpc_id, interface.id),
            resources.elastic_ips.substitution("", one.id, bound),
        ]
        return Decision(writes, None)

    await settle(resources.store, decide)
    return TaskStarted(task_id=task_of(resources, (asked.address_id,)))


async def disassociate_address(context: Context, asked: DisassociateAddress) -> TaskStarted:
    """Ask for an address to be taken off an interface."""
    resources = context.resources

    def decide() -> Decision[None]:
        (one,) = elastic_ips(resources, (asked.address_id,))
        _check_bound(one)
        leaving = msgspec.structs.replace(one, status=ElasticIpStatus.UNBINDING)
        return Decision([resources.elastic_ips.substitution("", one.id, leaving)], None)

    await settle(resources.store, decide)
    return TaskStarted(task_id=task_of(resources, (asked.address_id,)))


ACTIONS: Mapping[str, AnyAction] = {
    "AssociateAddress": Action(AssociateAddress, associate_address),
    "DisassociateAddress": Action(DisassociateAddress, disassociate_address),
}


def _check(asked: AssociateAddress) -> None:
    if asked.instance_id and asked.network_interface_id:
        raise Refusal(
            "InvalidParameterConflict", "Give either InstanceId or NetworkInterfaceId, not both."
        )
    if asked.instance_id.startswith("nat-"):
        raise Refusal(
            "InvalidParameterValue.ResourceNotSupport",
            "Use AssociateNatGatewayAddress to bind an address to a NAT gateway.",
        )
    if asked.instance_id:
        raise Refusal(
            "InvalidInstanceId.NotFound", f"There is no instance {asked.instance_id} here."
        )
    if not asked.network_interface_id or not asked.private_ip_address:
        raise Refusal(
            "MissingParameter", "NetworkInterfaceId and PrivateIpAddress must be given together."
        )


def _interface(resources: Resources, asked: AssociateAddress) -> NetworkInterface:
    for one in resources.network_interfaces.list():
        if (one.id, one.private_ip) == (asked.network_interface_id, asked.private_ip_address):
            return one
    raise Refusal(
        "InvalidNetworkInterfaceId.NotFound",
        f"There is no {asked.network_interface_id} with {asked.private_ip_address}.",
    )


def _check_free(resources: Resources, interface: NetworkInterface) -> None:
    for one in resources.elastic_ips.list():
        if one.bound_to == interface.id:
            raise Refusal(
                "InvalidPrivateIpAddress.AlreadyBindEip",
                f"{interface.private_ip} of {interface.id} already has {one.id}.",
            )


def _check_bound(one: ElasticIp) -> None:
    if one.bound_to.startswith("nat-"):
        raise Refusal(
            "InvalidInstance.NotSupported",
            f"Use DisassociateNatGatewayAddress to take {one.id} off {one.bound_to}.",
        )
    if one.status not in _BOUND:
        raise Refusal(
            "InvalidAddressIdStatus.NotPermit", f"{one.id} is {one.status}: it is not bound."
        )
