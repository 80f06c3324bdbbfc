"""Changes of the network made real. What is decided elsewhere is only spelled here."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import assert_never

from towline.linux import large_packets, network_namespace
from towline.linux.command import ip_batch, nft_load
from towline.network.address import hardware_address
from towline.network.plan import (
    AddAddress,
    AddLookup,
    AddRoute,
    Change,
    CreateBridge,
    CreateNamespace,
    CreateWire,
    DeleteLink,
    DeleteNamespace,
    Forward,
    PlugIn,
    RemoveAddress,
    RemoveLookup,
    RemoveRoute,
    SetTable,
)
from towline.network.topology import End, Lookup, Route

_Lines = tuple[str, Sequence[str]]
_OfRouting = AddRoute | RemoveRoute | AddLookup | RemoveLookup
_InOneNamespace = CreateBridge | DeleteLink | AddAddress | RemoveAddress | _OfRouting


async def apply(changes: Sequence[Change]) -> None:
    """Make the changes in their order; raises `Problem` at the first that is refused.

    Neighbouring changes in one namespace go into one batch. New links take large packets.
    """
    pending = list[_Lines]()
    for change in changes:
        lines = _as_lines(change)
        if lines is not None:
            pending.extend(lines)
            continue
        await _flush(pending)
        await _make(change)
    await _flush(pending)
    await asyncio.to_thread(_enlarge, changes)


def _enlarge(changes: Sequence[Change]) -> None:
    """A bridge takes what all that is plugged into it takes, and nothing large while it is empty."""
    made = dict[str, list[str]]()
    for end in _new_ends(changes):
        made.setdefault(end.namespace, []).extend(filter(None, (end.link, end.bridge)))
    for namespace, links in made.items():
        large_packets.take(namespace, links, large_packets.LARGE)


def _new_ends(changes: Sequence[Change]) -> Iterator[End]:
    for change in changes:
        match change:
            case CreateWire(wire):
                yield from (wire.near, wire.far)
            case PlugIn(end):
                yield end
            case _:
                pass


async def _flush(pending: list[_Lines]) -> None:
    for namespace, group in groupby(pending, key=lambda each: each[0]):
        await ip_batch(namespace, [line for _, lines in group for line in lines])
    pending.clear()


async def _make(change: Change) -> None:
    match change:
        case CreateNamespace(name):
            await asyncio.to_thread(network_namespace.create, name)
        case DeleteNamespace(name):
            await asyncio.to_thread(network_namespace.delete, name)
        case Forward(namespace):
            await asyncio.to_thread(network_namespace.forward, namespace)
        case SetTable():
            await nft_load(change.namespace, _ruleset(change))
        case _:
            raise AssertionError(f"{change} is made by `ip`")


def _as_lines(change: Change) -> Sequence[_Lines] | None:
    """The `ip` commands of a change; None when it is made otherwise."""
    match change:
        case CreateWire(wire):
            return tuple(_wire(wire.near, wire.far))
        case CreateNamespace() | DeleteNamespace() | Forward() | SetTable():
            return None
        case PlugIn(end):
            return ((end.namespace, (_raised(end),)),)
        case _:
            return ((change.namespace, _inside(change)),)


def _inside(change: _InOneNamespace) -> Sequence[str]:
    match change:
        case CreateBridge(_, name):
            return (f"link add name {name} address {hardware_address(name)} up type bridge",)
        case DeleteLink(_, name):
            return (f"link delete {name}",)
        case AddAddress(_, address) | RemoveAddress(_, address):
            verb = "add" if isinstance(change, AddAddress) else "delete"
            return (f"address {verb} {address.address} dev {address.link}",)
        case AddRoute(_, route) | RemoveRoute(_, route):
            verb = "add" if isinstance(change, AddRoute) else "delete"
            return (f"route {verb} {_route(route)}",)
        case AddLookup(_, lookup) | RemoveLookup(_, lookup):
            verb = "add" if isinstance(change, AddLookup) else "delete"
            return (f"rule {verb} {_lookup(lookup)}",)
        case _:
            assert_never(change)


def _wire(near: End, far: End) -> Iterator[_Lines]:
    pair = f"link add {_end(near)} type veth peer {_end(far)} netns {far.namespace}"
    yield near.namespace, (pair, _raised(near))
    yield far.namespace, (_raised(far),)


def _end(end: End) -> str:
    return f"name {end.link} address {end.hardware}" if end.hardware else f"name {end.link}"


def _raised(end: End) -> str:
    plugged = f"master {end.bridge}" if end.bridge else "nomaster"
    return f"link set {end.link} {plugged} up"


def _route(route: Route) -> str:
    words = [route.kind.value, route.destination]
    if route.via:
        words += ["via", route.via, "onlink"]
    if route.link:
        words += ["dev", route.link]
    if route.table:
        words += ["table", route.table]
    return " ".join(words)


def _lookup(lookup: Lookup) -> str:
    words = ["priority", str(lookup.priority), "from", lookup.source or "all"]
    if lookup.link:
        words += ["iif", lookup.link]
    if lookup.mark:
        words += ["fwmark", str(lookup.mark)]
    return " ".join((*words, "lookup", lookup.table))


def _ruleset(change: SetTable) -> str:
    """Replace in one transaction; a table must exist to be deleted, so it is added first."""
    lines = list[str]()
    for stale in sorted({*change.stale, change.table} - {""}):
        lines += [f"add table inet {stale}", f"delete table inet {stale}"]
    if change.table:
        lines.append(f"table inet {change.table} {{\n{change.chains}\n}}")
    return "\n".join(lines) + "\n"
