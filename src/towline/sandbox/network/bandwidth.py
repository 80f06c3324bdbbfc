"""Keeps the limits of the wires to the internet as the records say.

What lies on a wire is remembered, so that a change of one leaves the others' queues alone; a wire that
was made anew is known by its number. After a new start of the agent, all of it is laid once more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from towline.linux import network_namespace
from towline.linux.command import tc_batch
from towline.network.model import NetworkModel
from towline.network.name import Names
from towline.network.shaping import Limit, Side, limit_lines, limits, unlimited_lines


@dataclass(frozen=True, slots=True)
class _End:
    """One end of a wire. The numbers tell it from others that were made under its name."""

    namespace: str
    namespace_number: int | None
    link: str
    link_number: int


class Bandwidth:
    """The limits that lie on the wires."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._laid: dict[_End, tuple[str, ...]] = {}

    async def shape(self, model: NetworkModel) -> None:
        """Lay what is missing and take off what is not wanted; raises `Problem`."""
        wanted = {
            (namespace, limit.link): limit_lines(limit, side)
            for limit in limits(model)
            for namespace, side in self._sides(limit)
        }
        routers = {self._names.router(vpc.id) for vpc in model.vpcs}
        ends = await asyncio.to_thread(_ends, routers | {self._names.internet})
        self._laid = {end: lines for end, lines in self._laid.items() if end in ends.values()}
        for place in wanted.keys() & ends.keys():
            await self._lay(ends[place], wanted[place])
        for end in [end for end in self._laid if (end.namespace, end.link) not in wanted]:
            await self._take_off(end)

    def _sides(self, limit: Limit) -> Iterator[tuple[str, Side]]:
        yield self._names.router(limit.vpc_id), Side.OUT
        yield self._names.internet, Side.IN

    async def _lay(self, end: _End, lines: tuple[str, ...]) -> None:
        if self._laid.get(end) != lines:
            await tc_batch(end.namespace, lines)
            self._laid[end] = lines

    async def _take_off(self, end: _End) -> None:
        await tc_batch(end.namespace, unlimited_lines(end.link))
        del self._laid[end]


def _ends(namespaces: set[str]) -> Mapping[tuple[str, str], _End]:
    """The links in some namespaces, by namespace and name."""
    return {
        (name, link): _End(name, network_namespace.identity(name), link, number)
        for name in namespaces
        for link, number in network_namespace.link_numbers(name).items()
    }
