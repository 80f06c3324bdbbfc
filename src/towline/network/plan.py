"""From what is seen to what is wanted: which changes, in which order.

Removing comes before making, because addresses and names are freed by it; inside a namespace links
come before addresses and those before routes, because each needs the one before. Rules are there
before the first packet can take a new way, and ways are gone before their rules are. Applying the
plan and looking again gives an empty plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256

from towline.network.name import is_ours_to_remove, leads_to_internet
from towline.network.topology import (
    End,
    LinkAddress,
    Lookup,
    Namespace,
    Route,
    Seen,
    SeenNamespace,
    Topology,
    Wire,
)


@dataclass(frozen=True, slots=True)
class CreateNamespace:
    """Make a namespace; its loopback is up."""

    name: str


@dataclass(frozen=True, slots=True)
class DeleteNamespace:
    """Remove a namespace with everything in it."""

    name: str


@dataclass(frozen=True, slots=True)
class Forward:
    """Let a namespace pass packets on."""

    namespace: str


@dataclass(frozen=True, slots=True)
class CreateBridge:
    """Make a bridge, up."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class CreateWire:
    """Make a wire, both ends up and plugged in."""

    wire: Wire


@dataclass(frozen=True, slots=True)
class PlugIn:
    """Plug an end that stands into its bridge, if it has one, and switch it on."""

    end: End


@dataclass(frozen=True, slots=True)
class DeleteLink:
    """Remove a link; of a wire, both ends go."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class AddAddress:
    """Give a link an address."""

    namespace: str
    address: LinkAddress


@dataclass(frozen=True, slots=True)
class RemoveAddress:
    """Take an address from a link."""

    namespace: str
    address: LinkAddress


@dataclass(frozen=True, slots=True)
class AddRoute:
    """Add a route."""

    namespace: str
    route: Route


@dataclass(frozen=True, slots=True)
class RemoveRoute:
    """Remove a route."""

    namespace: str
    route: Route


@dataclass(frozen=True, slots=True)
class AddLookup:
    """Ask a table of certain packets."""

    namespace: str
    lookup: Lookup


@dataclass(frozen=True, slots=True)
class RemoveLookup:
    """Ask it no more."""

    namespace: str
    lookup: Lookup


@dataclass(frozen=True, slots=True)
class SetTable:
    """Have this nftables table (empty for none) and none of the `stale` ones, in one step."""

    namespace: str
    table: str
    chains: str
    stale: frozenset[str]


Change = (
    CreateNamespace
    | DeleteNamespace
    | Forward
    | CreateBridge
    | CreateWire
    | PlugIn
    | DeleteLink
    | AddAddress
    | RemoveAddress
    | AddRoute
    | RemoveRoute
    | AddLookup
    | RemoveLookup
    | SetTable
)
_NOTHING = SeenNamespace()


def plan(
    wanted: Topology, seen: Seen, *, scope: frozenset[str] = frozenset()
) -> tuple[Change, ...]:
    """The changes that make `wanted` of `seen`.

    `scope` names the namespaces that are removed when they are seen and not wanted.
    """
    return tuple(_changes(wanted, seen, scope))


def plug_in(ends: Iterable[End], seen: Seen) -> tuple[PlugIn, ...]:
    """What brings ends that stand back into their bridges, which others may have made anew."""
    return tuple(PlugIn(end) for end in sorted(ends) if _stands(end, seen) and _is_loose(end, seen))


def table_name(chains: str) -> str:
    """What the table of these chains is called: a changed table has another name."""
    return f"towline-{sha256(chains.encode()).hexdigest()[:12]}" if chains else ""


def _changes(wanted: Topology, seen: Seen, scope: frozenset[str]) -> Iterator[Change]:
    broken = frozenset(wire for wire in wanted.wires if _is_half(wire, seen))
    gone = _unwanted_links(wanted, seen)
    for name, namespace in sorted(wanted.namespaces.items()):
        if name in seen:
            yield from _removals(name, namespace, seen[name], gone)
    yield from (DeleteLink(end.namespace, end.link) for end in _one_of_each_wire(gone))
    for wire in sorted(broken):
        yield from (
            DeleteLink(end.namespace, end.link)
            for end in (wire.near, wire.far)
            if _stands(end, seen)
        )
    # After their wires: those of a dying namespace vanish at a time of the kernel's choosing.
    for name in sorted(scope & seen.keys() - wanted.namespaces.keys()):
        yield DeleteNamespace(name)
    for name, namespace in sorted(wanted.namespaces.items()):
        yield from _links(name, namespace, seen.get(name))
    yield from _wires(wanted, seen, broken)
    left = {name: _remaining(name, seen, broken) for name in wanted.namespaces}
    for step in (_rules, _ways):
        for name, namespace in sorted(wanted.namespaces.items()):
            yield from step(name, namespace, left[name])


def _unwanted_links(wanted: Topology, seen: Seen) -> frozenset[End]:
    keep = {(end.namespace, end.link) for wire in wanted.wires for end in _ends(wire)}
    keep |= {(name, link) for name, each in wanted.namespaces.items() for link in each.bridges}
    return frozenset(
        End(name, link)
        for name in wanted.namespaces.keys() & seen.keys()
        for link in seen[name].links
        if is_ours_to_remove(link) and (name, link) not in keep
    )


def _one_of_each_wire(ends: Iterable[End]) -> Iterator[End]:
    """With one end of a wire, the other goes."""
    known = set[str]()
    for end in sorted(ends):
        if end.link not in known:
            yield end
        if leads_to_internet(end.link):
            known.add(end.link)


def _removals(
    name: str, namespace: Namespace, seen: SeenNamespace, gone: frozenset[End]
) -> Iterator[Change]:
    """What is not wanted, but for that which goes with a link."""

    def is_ours(link: str) -> bool:
        return End(name, link) not in gone and (not namespace.tolerant or leads_to_internet(link))

    if not namespace.tolerant:
        for lookup in sorted(seen.lookups - namespace.lookups):
            yield RemoveLookup(name, lookup)
    for route in sorted(seen.routes - namespace.routes):
        if is_ours(route.link):
            yield RemoveRoute(name, route)
    for address in sorted(seen.addresses - namespace.addresses):
        if is_ours(address.link):
            yield RemoveAddress(name, address)


def _links(name: str, namespace: Namespace, seen: SeenNamespace | None) -> Iterator[Change]:
    if seen is None:
        yield CreateNamespace(name)
    held = seen or _NOTHING
    if namespace.forwards and not held.forwards:
        yield Forward(name)
    for bridge in sorted(namespace.bridges - held.links.keys()):
        yield CreateBridge(name, bridge)
    for bridge in sorted(namespace.bridges & held.down):
        yield PlugIn(End(name, bridge))


def _wires(wanted: Topology, seen: Seen, broken: frozenset[Wire]) -> Iterator[Change]:
    for wire in sorted(wanted.wires):
        if wire in broken or not _stands(wire.near, seen):
            yield CreateWire(wire)
            continue
        for end in _ends(wire):
            if _is_loose(end, seen):
                yield PlugIn(end)


def _rules(name: str, namespace: Namespace, seen: SeenNamespace) -> Iterator[Change]:
    table = table_name(namespace.rules)
    stale = frozenset(each for each in seen.tables if each.startswith("towline-")) - {table}
    if stale or (table and table not in seen.tables):
        yield SetTable(name, table, namespace.rules, stale)


def _ways(name: str, namespace: Namespace, seen: SeenNamespace) -> Iterator[Change]:
    for address in sorted(namespace.addresses - seen.addresses):
        yield AddAddress(name, address)
    # A route through a gateway needs the route to the gateway first.
    for route in sorted(namespace.routes - seen.routes, key=lambda route: (route.via, route)):
        yield AddRoute(name, route)
    for lookup in sorted(namespace.lookups - seen.lookups):
        yield AddLookup(name, lookup)


def _remaining(name: str, seen: Seen, broken: frozenset[Wire]) -> SeenNamespace:
    """What is left of a namespace when half wires are gone, with their addresses and routes."""
    held = seen.get(name, _NOTHING)
    gone = {end.link for wire in broken for end in _ends(wire) if end.namespace == name}
    if not gone:
        return held
    return replace(
        held,
        links={link: bridge for link, bridge in held.links.items() if link not in gone},
        addresses=frozenset(address for address in held.addresses if address.link not in gone),
        routes=frozenset(route for route in held.routes if route.link not in gone),
        down=held.down - gone,
    )


def _ends(wire: Wire) -> tuple[End, End]:
    return wire.near, wire.far


def _stands(end: End, seen: Seen) -> bool:
    return end.namespace in seen and end.link in seen[end.namespace].links


def _is_loose(end: End, seen: Seen) -> bool:
    held = seen[end.namespace]
    return held.links[end.link] != end.bridge or end.link in held.down


def _is_half(wire: Wire, seen: Seen) -> bool:
    return _stands(wire.near, seen) != _stands(wire.far, seen)
