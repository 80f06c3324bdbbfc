"""The life of links: an address, a door at it, and the word that it is there; and the way back.

A link that is asked for is given an address by a durable claim. It is told of (`RUNNING`, with its
access address) only when the registry answers at its door, so that nobody switches name resolution
on to an address where nobody is. A link that is to go loses its door and its address in the
kernel before its claim and its record.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import msgspec
import structlog

from towline.network.name import Names
from towline.problem import Problem
from towline.resource.link import Link, LinkStatus
from towline.resource.vpc import AddressOwner
from towline.sandbox.network.addresses import Addresses
from towline.sandbox.network.doors import Doors, Place
from towline.sandbox.network.records import Records
from towline.store.error import NotFound

_log = structlog.get_logger("towline.network")


@dataclass(frozen=True, slots=True)
class Standing:
    """What the links come to at one moment."""

    up: tuple[Link, ...]
    """With their addresses, also those that are not told of yet."""
    going: tuple[Link, ...]

    def places(self, names: Names) -> dict[str, Place]:
        """Where the doors are, by the ids of the links."""
        return {
            link_id(link): Place(link.instance_id, names.router(link.vpc_id), link.access_ip)
            for link in self.up
        }


class Links:
    """Takes each link one step further."""

    def __init__(self, records: Records, addresses: Addresses, doors: Doors) -> None:
        self._records = records
        self._addresses = addresses
        self._doors = doors

    async def allot(self) -> Standing:
        """Give every link that may stay its address. A full subnet keeps only its own links
        waiting.
        """
        links = self._records.links.by_age()
        going = tuple(link for link in links if self._goes(link))
        up = [await self._with_address(link) for link in links if link not in going]
        return Standing(tuple(filter(None, up)), going)

    async def announce(self) -> None:
        """Turn the links `RUNNING` whose doors are served."""
        for link in self._records.links.list():
            claim = self._addresses.of(AddressOwner.LINK, link_id(link))
            if claim is not None and self._doors.is_served(link_id(link)):
                with suppress(NotFound):
                    up = partial(_up, address=claim.ip)
                    await self._records.links.update(link.vpc_id, link.instance_id, up)

    async def forget(self, going: Sequence[Link]) -> None:
        """Remove links of which nothing stands any more, and claims of links that are gone."""
        for link in going:
            await self._addresses.free(AddressOwner.LINK, link_id(link))
            with suppress(NotFound):
                await self._records.links.delete(link.vpc_id, link.instance_id)
            _log.info("link-removed", instance=link.instance_id, vpc=link.vpc_id)
        known = {link_id(link) for link in self._records.links.list()}
        for owner_id in self._addresses.all_of(AddressOwner.LINK).keys() - known:
            await self._addresses.free(AddressOwner.LINK, owner_id)

    def _goes(self, link: Link) -> bool:
        records = self._records
        return (
            link.status is LinkStatus.DELETING
            or records.instances.get("", link.instance_id) is None
            or records.subnets.get(link.vpc_id, link.subnet_id) is None
        )

    async def _with_address(self, link: Link) -> Link | None:
        subnet = self._records.subnets.get(link.vpc_id, link.subnet_id)
        if subnet is None:
            return None
        try:
            claim = await self._addresses.claim(subnet, AddressOwner.LINK, link_id(link))
        except Problem as problem:
            _log.warning(problem.code, cause=problem.cause, remedy=problem.remedy)
            return None
        return msgspec.structs.replace(link, access_ip=claim.ip)


def link_id(link: Link) -> str:
    """By what a link is known to its claim and its door."""
    return f"{link.instance_id}/{link.vpc_id}"


def _up(link: Link, address: str) -> Link:
    if link.status is not LinkStatus.CREATING:
        return link
    return msgspec.structs.replace(link, status=LinkStatus.RUNNING, access_ip=address)
