"""Who has which address of a subnet.

A claim is a record, and durable before anybody is told of the address. Only the agent writes these
records, so what it holds in memory is the truth, and many may claim at the same moment without
getting in each other's way.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from towline.network.address import allot
from towline.problem import Problem
from towline.resource import kind
from towline.resource.vpc import Address, AddressOwner, Subnet
from towline.store.collection import Collection
from towline.store.error import AlreadyExists, NotFound
from towline.store.store import Store


class Addresses:
    """The claims on addresses of all subnets."""

    def __init__(self, store: Store) -> None:
        self._claims = Collection(store, kind.ADDRESS, Address)
        self._held = {_key(claim): claim for claim in self._claims.list()}

    def of(self, owner: AddressOwner, owner_id: str) -> Address | None:
        """What somebody has."""
        return self._held.get((owner, owner_id))

    def all_of(self, owner: AddressOwner) -> Mapping[str, Address]:
        """What all owners of a sort have, by their ids."""
        return {name: claim for (kind_, name), claim in self._held.items() if kind_ is owner}

    async def claim(self, subnet: Subnet, owner: AddressOwner, owner_id: str) -> Address:
        """The owner's address, taken now if it has none; raises `Problem` when the subnet is full.

        An address in another subnet is given back first.
        """
        held = self._held.get((owner, owner_id))
        if held is not None and held.subnet_id == subnet.id:
            return held
        if held is not None:
            await self.free(owner, owner_id)
        while True:
            chosen = self._choose(subnet, owner, owner_id)
            # From this moment on, nobody else is given it.
            self._held[owner, owner_id] = chosen
            try:
                return await self._claims.create(chosen.vpc_id, chosen.ip, chosen)
            except AlreadyExists as taken:
                # By an attempt that was cancelled after all, so that nobody was told of it.
                del self._held[owner, owner_id]
                orphan = self._claims.decode(taken.record)
                self._held.setdefault(_key(orphan), orphan)
                if _key(orphan) == (owner, owner_id):
                    return orphan
            except BaseException:
                self._held.pop((owner, owner_id), None)
                raise

    async def free(self, owner: AddressOwner, owner_id: str) -> None:
        """Give an address back; nothing happens when there is none."""
        held = self._held.get((owner, owner_id))
        if held is None:
            return
        with suppress(NotFound):
            await self._claims.delete(held.vpc_id, held.ip)
        self._held.pop((owner, owner_id), None)

    def _choose(self, subnet: Subnet, owner: AddressOwner, owner_id: str) -> Address:
        taken = {one.ip for one in self._held.values() if one.vpc_id == subnet.vpc_id}
        ip = allot(subnet.cidr, taken)
        if ip is None:
            raise Problem(
                "subnet-full",
                cause=f"the subnet {subnet.id} ({subnet.cidr}) has no free address left",
                remedy="delete pods or links in it, or use a larger subnet",
            )
        return Address(
            vpc_id=subnet.vpc_id, subnet_id=subnet.id, ip=ip, owner=owner, owner_id=owner_id
        )


def _key(claim: Address) -> tuple[AddressOwner, str]:
    return claim.owner, claim.owner_id
