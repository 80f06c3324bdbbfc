"""The chains of the routers and of the internet, as nftables reads them.

A cloud's network never says that something is not there: whatever may not pass is dropped without a
word. The internet keeps no state: who is taken off an allowlist is cut off at once, also in the
middle of a connection. So is who loses an elastic IP: only what comes by a wire with one of the
addresses of that wire is taken in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Network, collapse_addresses

from towline.network.egress import Egress
from towline.network.model import NetworkModel, is_open
from towline.network.name import INTERNET_LINKS, TO_DATA_CENTRE
from towline.network.routing import CAME_IN
from towline.resource.instance import Instance

DOOR_PORT = 443
_QUIET_ROUTER = """\
chain answering {
  type filter hook output priority filter; policy accept;
  icmp type destination-unreachable icmp code 0-1 drop
}"""
# The refusal of a connection that never was has the sequence number 0 (RFC 9293, 3.10.7.1).
_QUIET_INTERNET = """\
chain answering {
  type filter hook output priority filter; policy accept;
  oifname "lo" accept
  tcp flags & rst == rst tcp sequence 0 drop
  icmp type destination-unreachable drop
}"""


def router_rules(ways: Sequence[Egress]) -> str:
    """Of a router with these ways to the internet."""
    translated = [f'oifname "{TO_DATA_CENTRE}" masquerade', *_translations(ways)]
    chains = [_chain("leaving", "nat hook postrouting priority srcnat", translated), _QUIET_ROUTER]
    if ways:
        # Dropped before they count as connections: a dial that is repeated later is a new one.
        hook = "filter hook postrouting priority srcnat + 10"
        chains.append(_chain("genuine", hook, _only_own_addresses("oifname", ways)))
    own = [way for way in ways if way.private_ip]
    if own:
        wires = ", ".join(f'"{way.link}"' for way in own)
        arriving = [
            f'iifname "{way.link}" ip daddr {address} dnat ip to {way.private_ip}'
            for way in own
            for address in way.addresses
        ]
        returning = [
            f"iifname {{ {wires} }} ct state new ct mark set {CAME_IN}",
            f"ct direction reply ct mark {CAME_IN} meta mark set {CAME_IN}",
        ]
        chains.append(_chain("arriving", "nat hook prerouting priority dstnat", arriving))
        chains.append(_chain("returning", "filter hook prerouting priority mangle", returning))
    return "\n".join(chains)


def internet_rules(model: NetworkModel, ways: Sequence[Egress]) -> str:
    """Of the internet, in which the public doors of the instances are."""
    own = _chain(
        "genuine", "filter hook prerouting priority raw", _only_own_addresses("iifname", ways)
    )
    chains = [_QUIET_INTERNET, own]
    doors = {one.public_address: one for one in model.instances if one.public_address}
    for instance in doors.values():
        chains += _door(model, instance)
    if doors:
        jumps = ", ".join(f"{address} : jump door-{one.id}" for address, one in doors.items())
        knocking = [f"ip daddr vmap {{ {jumps} }}"]
        chains.append(_chain("knocking", "filter hook input priority filter", knocking))
    return "\n".join(chains)


def _translations(ways: Iterable[Egress]) -> Iterator[str]:
    """Whoever leaves by a wire has one of its addresses; a connection keeps the one it began with."""
    for way in ways:
        sender = f" ip saddr {way.private_ip}" if way.private_ip else ""
        if len(way.addresses) == 1:
            yield f'oifname "{way.link}"{sender} snat ip to {way.addresses[0]}'
        elif way.addresses:
            turns = ", ".join(f"{turn} : {address}" for turn, address in enumerate(way.addresses))
            chosen = f"numgen inc mod {len(way.addresses)} map {{ {turns} }}"
            yield f'oifname "{way.link}"{sender} snat ip to {chosen}'


def _only_own_addresses(link: str, ways: Iterable[Egress]) -> Iterator[str]:
    pairs = ", ".join(f'"{way.link}" . {address}' for way in ways for address in way.addresses)
    known = f"{link} . ip saddr != {{ {pairs} }} " if pairs else ""
    return (f'{link} "{wires}" {known}drop' for wires in INTERNET_LINKS)


def _door(model: NetworkModel, instance: Instance) -> Iterator[str]:
    """The allowlist of an instance; a closed endpoint is one without."""
    endpoint = model.endpoint_of(instance.id)
    networks = list(collapse_addresses(IPv4Network(rule.cidr) for rule in endpoint.rules))
    admitting = ""
    if is_open(endpoint) and networks:
        allowed = f"allowed-{instance.id}"
        elements = ", ".join(map(str, networks))
        yield f"set {allowed} {{ type ipv4_addr; flags interval; elements = {{ {elements} }}; }}"
        admitting = f"  tcp dport {DOOR_PORT} ip saddr @{allowed} accept\n"
    yield f"chain door-{instance.id} {{\n{admitting}  drop\n}}"


def _chain(name: str, hook: str, lines: Iterable[str]) -> str:
    text = "".join(f"  {line}\n" for line in lines)
    return f"chain {name} {{\n  type {hook}; policy accept;\n{text}}}"
