"""The shape of a network: namespaces, what is in each, and the wires between them.

The same words say what is wanted and what was seen. The kernel's own routes (to a link's own
addresses) are never mentioned: they come and go with the addresses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class RouteKind(StrEnum):
    """What happens to a packet for a destination; the values are `ip route`'s types."""

    UNICAST = "unicast"
    BLACKHOLE = "blackhole"
    """It is dropped without a word, so that the sender's dial times out."""
    LOCAL = "local"
    """It is taken in, whatever its address."""
    THROW = "throw"
    """The table has nothing to say of it: the next look-up is asked."""


@dataclass(frozen=True, slots=True, order=True)
class Route:
    """One route; `destination` is `default`, an address or a CIDR, as `ip route` prints it."""

    destination: str
    kind: RouteKind = RouteKind.UNICAST
    via: str = ""
    """A neighbour at the link, whatever its address: nothing must say that it is there."""
    link: str = ""
    table: str = ""
    """The name or number of its table; empty for the one where it belongs by its kind."""


@dataclass(frozen=True, slots=True, order=True)
class Lookup:
    """Which packets are asked of which table: those that fit all that is said.

    The lookups are gone through by priority until a table has a route.
    """

    priority: int
    table: str
    link: str = ""
    """By which they came in."""
    source: str = ""
    mark: int = 0


@dataclass(frozen=True, slots=True, order=True)
class LinkAddress:
    """An address of a link, with its prefix length."""

    link: str
    address: str


@dataclass(frozen=True, slots=True, order=True)
class End:
    """One end of a wire."""

    namespace: str
    link: str
    bridge: str = ""
    """The bridge it is plugged into; empty for none."""
    hardware: str = ""
    """Its hardware address; empty for whichever the kernel gives it."""


@dataclass(frozen=True, slots=True, order=True)
class Wire:
    """Two ends; what goes in at one comes out at the other."""

    near: End
    far: End


@dataclass(frozen=True, slots=True)
class Namespace:
    """What one namespace should hold."""

    forwards: bool = False
    """Whether it is a router."""
    tolerant: bool = False
    """Whether addresses, routes and lookups that others put there stay."""
    bridges: frozenset[str] = frozenset()
    addresses: frozenset[LinkAddress] = frozenset()
    routes: frozenset[Route] = frozenset()
    lookups: frozenset[Lookup] = frozenset()
    """Besides the kernel's own three."""
    rules: str = ""
    """The chains of its nftables table; empty for none."""


@dataclass(frozen=True, slots=True)
class Topology:
    """What should be. Wires may end in namespaces that stand already."""

    namespaces: Mapping[str, Namespace] = field(default_factory=dict)
    wires: frozenset[Wire] = frozenset()


@dataclass(frozen=True, slots=True)
class SeenNamespace:
    """What one namespace holds."""

    links: Mapping[str, str] = field(default_factory=dict)
    """Names, and the bridge each is plugged into (empty for none)."""
    addresses: frozenset[LinkAddress] = frozenset()
    routes: frozenset[Route] = frozenset()
    forwards: bool = False
    tables: frozenset[str] = frozenset()
    """The names of its nftables tables."""
    down: frozenset[str] = frozenset()
    """Those of the links that are switched off."""
    lookups: frozenset[Lookup] = frozenset()


Seen = Mapping[str, SeenNamespace]
