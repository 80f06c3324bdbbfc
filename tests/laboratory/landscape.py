"""The laboratory's network: a client, a router and a world, each a namespace, with real packets between.

    client 10.77.0.2 ── router ── world: an address for every server

What happens to packets on the way to an address is the router's firewall, a route of the client, or
the client's own firewall.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.networks import installation

from towline.linux import network_namespace
from towline.linux.command import ip_batch, nft_load
from towline.linux.namespace_socket import SocketMaker

CLIENT, ROUTER = "10.77.0.2", "10.77.0.1"
DEAD_NEIGHBOURS = "10.77.0.{}"
"""Addresses beside the client's that nobody has."""
_TO_WORLD, _WORLD = "10.78.0.1", "10.78.0.2"


class Way(StrEnum):
    """What happens to packets to an address."""

    OPEN = "they arrive"
    DROPPED = "the router drops them"
    RESET = "the router answers with RST"
    ADMIN_PROHIBITED = "admin-prohibited"
    HOST_PROHIBITED = "host-prohibited"
    NET_PROHIBITED = "net-prohibited"
    HOST_UNREACHABLE = "host-unreachable"
    NET_UNREACHABLE = "net-unreachable"
    PORT_UNREACHABLE = "port-unreachable"
    SMALL_ONLY = "those of more than 600 bytes are lost without a word"
    OWN_FIREWALL = "the client's own firewall drops them"
    NO_ROUTE = "the client has a route of the kind unreachable"
    PROHIBITED = "the client has a route of the kind prohibit"
    BLACKHOLE = "the client has a route of the kind blackhole"
    DEAD_NEIGHBOUR = "the address is beside the client, and nobody has it"


_ICMP = frozenset(
    {
        Way.ADMIN_PROHIBITED,
        Way.HOST_PROHIBITED,
        Way.NET_PROHIBITED,
        Way.HOST_UNREACHABLE,
        Way.NET_UNREACHABLE,
        Way.PORT_UNREACHABLE,
    }
)
_ROUTES = {Way.NO_ROUTE: "unreachable", Way.PROHIBITED: "prohibit", Way.BLACKHOLE: "blackhole"}


@dataclass(frozen=True, slots=True)
class Landscape:
    """The three namespaces."""

    client: str
    router: str
    world: str

    @property
    def path(self) -> Path:
        """The client's namespace: from where everything is seen."""
        return network_namespace.path_of(self.client)

    @property
    def sockets(self) -> SocketMaker:
        """Makes sockets of the client."""
        return SocketMaker(self.path)

    async def lay(self, ways: Mapping[str, Way]) -> None:
        """Give the world its addresses, and each its way."""
        there = [a for a, way in ways.items() if way is not Way.DEAD_NEIGHBOUR]
        await ip_batch(self.world, [f"address add {address}/32 dev lo" for address in there])
        routes = [f"route add {_ROUTES[w]} {a}/32" for a, w in ways.items() if w in _ROUTES]
        if routes:
            await ip_batch(self.client, routes)
        passing = [line for address, way in ways.items() for line in _passing(address, way)]
        await nft_load(self.router, _chain("forward", passing))
        own = [f"ip daddr {a} drop" for a, way in ways.items() if way is Way.OWN_FIREWALL]
        await nft_load(self.client, _chain("output", own))


def _passing(address: str, way: Way) -> list[str]:
    if way is Way.DROPPED:
        return [f"ip daddr {address} drop"]
    if way is Way.RESET:
        return [f"ip daddr {address} meta l4proto tcp reject with tcp reset"]
    if way in _ICMP:
        return [f"ip daddr {address} reject with icmp type {way.value}"]
    if way is Way.SMALL_ONLY:
        return [f"ip {end} {address} meta length > 600 drop" for end in ("saddr", "daddr")]
    return []


def _chain(hook: str, rules: list[str]) -> str:
    body = "\n".join([f"type filter hook {hook} priority 0;", *rules])
    return f"table ip laboratory {{\nchain {hook} {{\n{body}\n}}\n}}\n"


@asynccontextmanager
async def landscape() -> AsyncIterator[Landscape]:
    """Three namespaces with wires between them, for the length of the block."""
    with installation() as names:
        land = Landscape(*(f"{names.prefix}{end}" for end in ("client", "router", "world")))
        for name in (land.client, land.router, land.world):
            await asyncio.to_thread(network_namespace.create, name)
        await _wire(land)
        await asyncio.to_thread(network_namespace.forward, land.router)
        await asyncio.to_thread(_hurry, land)
        yield land


async def _wire(land: Landscape) -> None:
    await ip_batch(
        land.router,
        [
            f"link add pods type veth peer name eth0 netns {land.client}",
            f"link add world type veth peer name eth0 netns {land.world}",
            f"address add {ROUTER}/24 dev pods",
            f"address add {_TO_WORLD}/30 dev world",
            "link set pods up",
            # One packet stays one packet, so that its length can be judged.
            "link set world gso_max_segs 1 up",
            f"route add default via {_WORLD}",
        ],
    )
    client = [f"address add {CLIENT}/24 dev eth0", "link set eth0 gso_max_segs 1 up"]
    await ip_batch(land.client, [*client, f"route add default via {ROUTER}"])
    world = [f"address add {_WORLD}/30 dev eth0", "link set eth0 gso_max_segs 1 up"]
    await ip_batch(land.world, [*world, f"route add default via {_TO_WORLD}"])


def _hurry(land: Landscape) -> None:
    """Neighbours are given up soon, and no ICMP is held back because there were many."""
    settings = {
        land.client: {"neigh/eth0/retrans_time_ms": "100"},
        land.router: {"icmp_ratelimit": "0"},
        land.world: {"icmp_ratelimit": "0"},
    }
    for name, values in settings.items():
        for key, value in values.items():
            path = Path("/proc/sys/net/ipv4") / key
            SocketMaker(network_namespace.path_of(name)).inside(
                lambda path=path, value=value: path.write_text(value)  # type: ignore[misc]  # its defaults bind the loop's values
            )
