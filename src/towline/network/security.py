"""The security groups of a pod as nftables reads them, in the pod's own namespace.

Nothing in the pod may change them: its containers do not have CAP_NET_ADMIN. The rules of all its
groups are one list, in the order in which the pod names the groups; the first that fits decides, and
what none fits is dropped. Only the beginning of a connection is judged: a connection that was let
through goes on when the rules change, and answers always pass.

What the resolvers of the VPC are asked is not judged, as with other clouds' groups: they are part of
the network and not somebody in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from towline.network.address import RESOLVERS
from towline.resource.security_group import SecurityGroup, SecurityRule

_EVERY = "ALL"
_EVERYWHERE = "0.0.0.0/0"
_BEGINNING = (
    "ct state established,related accept",
    "ct state invalid drop",
)


def security_rules(groups: Sequence[SecurityGroup]) -> str:
    """The chains of a pod that is in these groups."""
    asking = f"meta l4proto {{ tcp, udp }} th dport 53 ip daddr {{ {', '.join(RESOLVERS)} }} accept"
    arriving = (_rule(rule, "saddr") for group in groups for rule in group.ingress)
    leaving = (_rule(rule, "daddr") for group in groups for rule in group.egress)
    return "\n".join(
        (
            _chain("arriving", "input", ('iifname "lo" accept', *_BEGINNING, *arriving)),
            _chain("leaving", "output", ('oifname "lo" accept', *_BEGINNING, asking, *leaving)),
        )
    )


def _rule(rule: SecurityRule, end: str) -> str:
    return " ".join((*_matches(rule, end), rule.action.value.lower()))


def _matches(rule: SecurityRule, end: str) -> Iterator[str]:
    protocol = rule.protocol.lower()
    if rule.ports != _EVERY:
        yield f"{protocol} dport {{ {', '.join(dict.fromkeys(rule.ports.split(',')))} }}"
    elif rule.protocol != _EVERY:
        yield f"meta l4proto {protocol}"
    if rule.cidr != _EVERYWHERE:
        yield f"ip {end} {rule.cidr}"


def _chain(name: str, hook: str, lines: Sequence[str]) -> str:
    text = "".join(f"  {line}\n" for line in lines)
    return f"chain {name} {{\n  type filter hook {hook} priority filter; policy drop;\n{text}}}"
