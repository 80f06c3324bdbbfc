"""How many Mbit/s go through the wires to the internet, and how `tc` is told.

A NAT gateway has a bandwidth for all that goes through it, and each elastic IP may have one of its own.
The cloud calls them outward; here they hold for each direction by itself, because a pull is made of
what comes in, and an address that was paid for as 10 Mbit/s does not bring in more in real life either.

Each end of a wire measures what it sends: the router's what leaves, the internet's what comes. Of a
gateway with several addresses each end tells the connections apart by the public address.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from towline.network.model import NetworkModel
from towline.network.name import eip_link, nat_link

UNBOUND = 100_000  # Mbit/s: more than a wire here carries
_PACKET = 65_536  # bytes, the largest that the kernel hands down a virtual wire
_LATEST = 0.1  # seconds that what is too much may wait
_LONGEST = 16 * 2**20  # bytes, however fast the wire
_BYTES = 125_000  # of a megabit
_FIRST_SHARE = 16


class Side(StrEnum):
    """Where the public address stands in what an end sends, as `tc` calls it."""

    OUT = "src"
    IN = "dst"


@dataclass(frozen=True, slots=True)
class Limit:
    """What one wire may carry."""

    vpc_id: str
    link: str
    total: int
    """Mbit/s of everything together; 0 for no limit."""
    shares: tuple[tuple[str, int], ...] = ()
    """Public addresses with a limit of their own."""


def limits(model: NetworkModel) -> tuple[Limit, ...]:
    """The wires on which anything is limited."""
    found = (*_of_gateways(model), *_of_pods(model))
    return tuple(limit for limit in found if limit.total or limit.shares)


def limit_lines(limit: Limit, side: Side) -> tuple[str, ...]:
    """The lines of a batch of `tc` that puts a limit on an end of its wire, whatever was there."""
    total, count = limit.total or UNBOUND, len(limit.shares) + 1
    device = f"dev {limit.link}"
    lines = [
        # A queue of another kind in between: what is there cannot be turned into the new one.
        f"qdisc replace {device} root handle 2: bfifo limit {_queue(total)}",
        f"qdisc replace {device} root handle 1: htb default 2",
        f"class add {device} parent 1: classid 1:1 {_rate(total, total)}",
        *_class(device, 2, _rate(max(total // count, 1), total), total),
    ]
    for number, (address, share) in enumerate(limit.shares, _FIRST_SHARE):
        ceiling = min(share, total)
        lines += _class(device, number, _rate(max(min(share, total // count), 1), ceiling), ceiling)
        lines.append(
            f"filter add {device} parent 1: protocol ip prio 1 u32 "
            f"match ip {side} {address}/32 flowid 1:{number:x}"
        )
    return tuple(lines)


def unlimited_lines(link: str) -> tuple[str, ...]:
    """The lines that leave an end without a limit, whether it has one or not."""
    return (f"qdisc replace dev {link} root noqueue",)


def _of_gateways(model: NetworkModel) -> Iterator[Limit]:
    for nat in model.nat_gateways:
        if model.nat_gateway(nat.id) is not None and model.vpc(nat.vpc_id) is not None:
            addresses = model.addresses_of(nat)
            shares = tuple((eip.address, eip.bandwidth) for eip in addresses if eip.bandwidth)
            yield Limit(nat.vpc_id, nat_link(nat.id), nat.bandwidth, shares)


def _of_pods(model: NetworkModel) -> Iterator[Limit]:
    for interface in model.interfaces:
        eip = model.elastic_ip_of(interface)
        if eip is not None and model.vpc(interface.vpc_id) is not None:
            yield Limit(interface.vpc_id, eip_link(eip.id, interface.id), eip.bandwidth)


def _class(device: str, number: int, rate: str, megabits: int) -> tuple[str, str]:
    return (
        f"class add {device} parent 1:1 classid 1:{number:x} {rate}",
        f"qdisc add {device} parent 1:{number:x} bfifo limit {_queue(megabits)}",
    )


def _rate(assured: int, ceiling: int) -> str:
    burst = max(ceiling * _BYTES // 100, _PACKET)  # of 10 ms
    return (
        f"htb rate {assured}mbit ceil {ceiling}mbit burst {burst} cburst {burst} quantum {_PACKET}"
    )


def _queue(megabits: int) -> int:
    return min(max(int(megabits * _BYTES * _LATEST), 8 * _PACKET), _LONGEST)
