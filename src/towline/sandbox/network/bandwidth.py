"""Keeps the limits of the wires to the internet as the records say.

What lies on a wire is remembered, so that a change of one leaves the others' queues alone; a wire that
was made anew is known by its number. After a new start of the agent, all of it is laid once more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from towline.linux import large_packets, network_namespace
from towline.linux.command import tc_batch
from towline.network.model import NetworkModel
from towline.network.name import Names, leads_to_internet
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
        """By end; nothing for one without a limit."""

    async def shape(self, model: NetworkModel) -> None:
        """Lay what is missing and take off what is not wanted; raises `Problem`."""
        limited = {
            (namespace, limit.link): limit_lines(limit, side)
            for limit in limits(model)
            for namespace, side in self._sides(limit)
        }
        routers = {self._names.router(vpc.id) for vpc in model.vpcs}
        ends = await asyncio.to_thread(_ends, routers | {self._names.internet})
        self._laid = {end: lines for end, lines in self._laid.items() if end in ends}
        for end in ends:
            await self._lay(end, limited.get((end.namespace, end.link), ()))

    def _sides(self, limit: Limit) -> Iterator[tuple[str, Side]]:
        yield self._names.router(limit.vpc_id), Side.OUT
        yield self._names.internet, Side.IN

    async def _lay(self, end: _End, limited: tuple[str, ...]) -> None:
        if self._laid.get(end) == limited:
            return
        await tc_batch(end.namespace, limited or unlimited_lines(end.link))
        # Large packets would have to wait for each other where only little may pass.
        largest = large_packets.USUAL if limited else large_packets.LARGE
        await asyncio.to_thread(large_packets.take, end.namespace, [end.link], largest)
        self._laid[end] = limited


def _ends(namespaces: set[str]) -> list[_End]:
    """The ends of all wires to the internet."""
    return [
        _End(name, network_namespace.identity(name), link, number)
        for name in namespaces
        for link, number in network_namespace.link_numbers(name).items()
        if leads_to_internet(link)
    ]
