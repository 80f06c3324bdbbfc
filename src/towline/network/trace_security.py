"""Whether an interface's security groups let a connection begin.

The rules of its groups are one list, in the order in which the interface names the groups; the first
rule that fits decides, and what none fits is dropped. Only the first packet of a connection is
judged: answers always pass. Questions to the VPC's resolvers are not judged at all. `security` says
the same to nftables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from towline.network.address import RESOLVERS
from towline.network.model import NetworkModel, contains
from towline.resource.network_interface import NetworkInterface
from towline.resource.security_group import SecurityRule, Verdict

DNS_PORT = 53
_EVERY = "ALL"


class Protocol(StrEnum):
    """What is sent, in the words of `SecurityGroupPolicy.Protocol`."""

    TCP = "TCP"
    UDP = "UDP"
    ICMP = "ICMP"


class Direction(StrEnum):
    """Seen from the interface."""

    INGRESS = "ingress"
    EGRESS = "egress"


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first packet of a connection, as an interface sees it."""

    direction: Direction
    protocol: Protocol
    port: int
    """The one that is called; of no meaning for ICMP."""
    peer: str
    """The address at the other side."""

    @property
    def is_question(self) -> bool:
        """Whether a resolver of the VPC is asked for a name."""
        named = self.protocol in {Protocol.TCP, Protocol.UDP} and self.port == DNS_PORT
        return named and self.direction is Direction.EGRESS and self.peer in RESOLVERS

    def fits(self, rule: SecurityRule) -> bool:
        """Whether a rule is about it."""
        if rule.protocol not in {self.protocol, _EVERY} or not contains(rule.cidr, self.peer):
            return False
        return self.protocol is Protocol.ICMP or _has_port(rule.ports, self.port)


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a packet, and what decided it."""

    group_id: str
    rule: SecurityRule | None
    """None when no rule of any group fits; the group is the last that was asked."""

    @property
    def accepts(self) -> bool:
        """Whether the packet goes on."""
        return self.rule is not None and self.rule.action is Verdict.ACCEPT

    @property
    def words(self) -> str:
        """The rule as a person reads it."""
        if self.rule is None:
            return "no rule fits"
        return f"{self.rule.action} {self.rule.protocol} {self.rule.ports} {self.rule.cidr}"


def decide(model: NetworkModel, interface: NetworkInterface, beginning: Beginning) -> Decision:
    """What the groups of an interface (it has at least one) say of a packet.

    A group that is not there has no rules.
    """
    for group_id in interface.security_group_ids:
        for rule in _rules(model, group_id, beginning.direction):
            if beginning.fits(rule):
                return Decision(group_id, rule)
    return Decision(interface.security_group_ids[-1], None)


def _rules(model: NetworkModel, group_id: str, direction: Direction) -> Iterator[SecurityRule]:
    group = model.security_group(group_id)
    if group is not None:
        yield from group.egress if direction is Direction.EGRESS else group.ingress


def _has_port(ports: str, port: int) -> bool:
    if ports == _EVERY:
        return True
    ranges = (part.partition("-") for part in ports.split(","))
    return any(int(first) <= port <= int(last or first) for first, _, last in ranges)
