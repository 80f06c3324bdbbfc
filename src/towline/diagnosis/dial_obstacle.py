"""Why no connection comes about, by errno, ICMP and the kind of the address."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from towline.diagnosis.observed_path import DialOutcome, DialSeen
from towline.diagnosis.obstacle import Obstacle

_CODES = {
    DialOutcome.NO_ROUTE: "net.no-route",
    DialOutcome.UNREACHABLE: "net.unreachable",
    DialOutcome.PROHIBITED: "net.prohibited",
    DialOutcome.BLACKHOLE: "net.blackhole",
}
# Not `is_private`: that is true of documentation's addresses, and false of shared ones (RFC 6598).
_PRIVATE = tuple(
    map(
        ip_network,
        (
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "100.64.0.0/10",
            "169.254.0.0/16",
            "127.0.0.0/8",
            "fc00::/7",
            "fe80::/10",
            "::1/128",
        ),
    )
)


def dial_obstacle(dials: tuple[DialSeen, ...]) -> Obstacle | None:
    """Why none of the addresses was reached; None when one was, or there was none."""
    if not dials or any(dial.outcome is DialOutcome.CONNECTED for dial in dials):
        return None
    evidence = tuple(line(dial) for dial in dials)
    if all(":" in dial.address for dial in dials):
        if all(dial.outcome is DialOutcome.UNREACHABLE for dial in dials):
            return Obstacle("net.ipv6-only", evidence)
        return Obstacle(_code(dials[0]), evidence)
    told = next(dial for dial in dials if ":" not in dial.address)
    return Obstacle(_code(told), evidence)


def _code(dial: DialSeen) -> str:
    if dial.own_firewall:
        return "net.local-firewall"
    private = is_private(dial.address)
    if dial.outcome is DialOutcome.REFUSED:
        return "net.refused" if private else "net.refused.public-ip"
    default = "net.timeout.private-ip" if private else "net.timeout.public-ip"
    return _CODES.get(dial.outcome, default)


def is_private(address: str) -> bool:
    """Whether an address is of the kind that only a network's own machines reach."""
    parsed = ip_address(address)
    return any(parsed in network for network in _PRIVATE if network.version == parsed.version)


def line(dial: DialSeen) -> str:
    """`dial 10.0.0.5:443: refused (ECONNREFUSED), ICMP port-unreachable from 10.0.0.1`."""
    where = f"[{dial.address}]" if ":" in dial.address else dial.address
    error = f" ({dial.error})" if dial.error else ""
    icmp = f", ICMP {dial.icmp.kind} from {dial.icmp.sender}" if dial.icmp else ""
    own = ", and a datagram to it fails here at once with EPERM" if dial.own_firewall else ""
    return f"dial {where}:{dial.port}: {dial.outcome.value}{error}{icmp}{own}"
