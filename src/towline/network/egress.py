"""The ways from a VPC's router to the internet: one wire for each NAT gateway, and one for each
elastic IP that a pod has for itself.

A wire of its own says which gateway a packet has taken, and is where its bandwidth is measured out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from towline.network.model import NetworkModel
from towline.network.name import eip_link, nat_link


@dataclass(frozen=True, slots=True, order=True)
class Egress:
    """One wire to the internet."""

    vpc_id: str
    link: str
    addresses: tuple[str, ...]
    """The public addresses of what leaves by it; without any, nothing does."""
    private_ip: str = ""
    """The pod whose public address it is; empty for a NAT gateway, which is for all."""


def egresses(model: NetworkModel) -> tuple[Egress, ...]:
    """All of them, each in a VPC that there is."""
    return tuple(sorted((*_of_gateways(model), *_of_pods(model))))


def _of_gateways(model: NetworkModel) -> Iterator[Egress]:
    for nat in model.nat_gateways:
        if model.nat_gateway(nat.id) is not None and model.vpc(nat.vpc_id) is not None:
            addresses = tuple(eip.address for eip in model.addresses_of(nat))
            yield Egress(nat.vpc_id, nat_link(nat.id), addresses)


def _of_pods(model: NetworkModel) -> Iterator[Egress]:
    for interface in model.interfaces:
        eip = model.elastic_ip_of(interface)
        if eip is not None and model.vpc(interface.vpc_id) is not None:
            link = eip_link(eip.id, interface.id)
            yield Egress(interface.vpc_id, link, (eip.address,), interface.private_ip)
