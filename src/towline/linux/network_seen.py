"""What the kernel holds, in the words in which it is planned."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine, Iterable, Mapping
from typing import Any

from towline.linux import network_namespace
from towline.linux.command import ip_show, nft_tables
from towline.network.topology import LinkAddress, Lookup, Route, RouteKind, Seen, SeenNamespace

_KINDS = {kind.value for kind in RouteKind}


async def look(names: Collection[str]) -> Seen:
    """What is in those of these namespaces that stand."""
    standing = [name for name in sorted(names) if network_namespace.stands(name)]
    return dict(zip(standing, await _all(map(_look, standing)), strict=True))


async def _look(name: str) -> SeenNamespace:
    commands = ("link show", "address show", "route show table all", "rule show")
    links, addressed, routes, lookups = await ip_show(name, commands)
    tables = await nft_tables(name)
    forwards = await asyncio.to_thread(network_namespace.forwards, name)
    return SeenNamespace(
        {link["ifname"]: link.get("master", "") for link in links},
        frozenset(address for link in addressed for address in _addresses(link)),
        frozenset(_route(route) for route in routes if _is_ours(route)),
        forwards,
        tables,
        frozenset(link["ifname"] for link in links if "UP" not in link["flags"]),
        frozenset(_lookup(rule) for rule in lookups if rule.get("protocol") != "kernel"),
    )


async def _all(looks: Iterable[Coroutine[Any, Any, SeenNamespace]]) -> list[SeenNamespace]:
    """All at once, none of which goes on when this has ended; raises what the first one has.

    `gather` would leave the others alone at the first that fails or is cancelled.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in looks]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


def _addresses(link: Mapping[str, Any]) -> list[LinkAddress]:
    return [
        LinkAddress(link["ifname"], f"{info['local']}/{info['prefixlen']}")
        for info in link.get("addr_info", ())
        if not info["local"].startswith("127.")
    ]


def _is_ours(route: Mapping[str, Any]) -> bool:
    """The kernel's own routes belong to addresses."""
    return route.get("protocol") != "kernel" and route.get("type", "unicast") in _KINDS


def _route(route: Mapping[str, Any]) -> Route:
    kind = RouteKind(route.get("type", RouteKind.UNICAST))
    link = route.get("dev", "") if kind in {RouteKind.UNICAST, RouteKind.LOCAL} else ""
    table = route.get("table", "main")
    if table == ("local" if kind is RouteKind.LOCAL else "main"):
        table = ""
    return Route(route["dst"], kind, route.get("gateway", ""), link, table)


def _lookup(rule: Mapping[str, Any]) -> Lookup:
    source = "" if rule["src"] == "all" else rule["src"]
    mark = int(rule.get("fwmark", "0"), 0)
    return Lookup(rule["priority"], rule["table"], rule.get("iif", ""), source, mark)
