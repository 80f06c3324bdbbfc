"""What is wrong with a name, by what each name server said of it."""

from __future__ import annotations

from ipaddress import ip_address

from towline.diagnosis.observed_path import DialOutcome, DnsSeen, NameAnswer, NameOutcome, PathSeen
from towline.diagnosis.obstacle import Obstacle

_CODES = {
    NameOutcome.NXDOMAIN: "dns.nxdomain",
    NameOutcome.NODATA: "dns.nodata",
    NameOutcome.SERVFAIL: "dns.servfail",
    NameOutcome.OTHER_CODE: "dns.servfail",
    NameOutcome.REFUSED: "dns.refused",
    NameOutcome.TIMED_OUT: "dns.timeout",
    NameOutcome.REJECTED: "dns.server-refused",
    NameOutcome.UNREACHABLE: "dns.server-unreachable",
}
_DECISIVE = frozenset({NameOutcome.NXDOMAIN, NameOutcome.NODATA})
MAX_LINES = 6


def name_obstacle(dns: DnsSeen) -> Obstacle | None:
    """Why a name has no address; None when it has one."""
    if dns.addresses:
        return None
    if not dns.servers:
        return Obstacle("dns.no-resolver", ("resolv.conf names no name server",))
    deciding = _deciding(dns)
    if deciding is None:
        return None
    return Obstacle(_CODES[deciding.outcome], tuple(map(line, _told(dns)))[:MAX_LINES])


def sinkhole(path: PathSeen) -> Obstacle | None:
    """A name that leads to this machine itself, where nobody listens."""
    dns = path.dns
    if dns is None or dns.is_address or dns.host == "localhost" or not dns.addresses:
        return None
    reached = any(dial.outcome is DialOutcome.CONNECTED for dial in path.dials)
    if reached or not all(map(_is_nowhere, dns.addresses)):
        return None
    where = f"the hosts file says `{dns.hosts_line}`" if dns.hosts_line else ""
    told = tuple(line(answer) for answer in dns.answers if answer.addresses)
    return Obstacle("dns.sinkhole", (where,) if where else told)


def line(answer: NameAnswer) -> str:
    """`hub.example (A): NXDOMAIN, says 10.0.0.2:53`."""
    said = ", ".join(answer.addresses) or answer.outcome.value
    rare = f" ({answer.error})" if answer.error else ""
    tcp = f"; over TCP: {answer.over_tcp.value}" if answer.over_tcp else ""
    return f"{answer.name} ({answer.kind}) at {answer.server}: {said}{rare}{tcp}"


def _told(dns: DnsSeen) -> tuple[NameAnswer, ...]:
    """The answers about the name itself, which search domains only surround."""
    plain = dns.host.rstrip(".")
    return tuple(answer for answer in dns.answers if answer.name == plain) or dns.answers


def _deciding(dns: DnsSeen) -> NameAnswer | None:
    """The answer that a resolver goes by: of the first server that knows, or of the first."""
    asked = [answer for answer in _told(dns) if answer.kind == "A"]
    knowing = (answer for answer in asked if answer.outcome in _DECISIVE)
    speaking = (answer for answer in asked if answer.outcome in _SPEAKING)
    return next(knowing, next(speaking, next(iter(asked), None)))


_SPEAKING = frozenset({NameOutcome.SERVFAIL, NameOutcome.REFUSED, NameOutcome.OTHER_CODE})


def _is_nowhere(address: str) -> bool:
    parsed = ip_address(address)
    return parsed.is_loopback or parsed.is_unspecified
