"""In which subnets the pods of the clusters may be, and how much room there is, as the virtual nodes
want to know it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from towline.network.address import capacity
from towline.sandbox.network.records import Records


class ClusterSubnets:
    """The subnets that are written down in the clusters' records."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def watch(self) -> AsyncIterator[frozenset[str]]:
        """Their ids, at once and again whenever they are others. Never ends."""
        told: frozenset[str] | None = None
        async for clusters in self._records.clusters.follow():
            subnets = frozenset(each for cluster in clusters for each in cluster.subnet_ids)
            if subnets != told:
                told = subnets
                yield subnets

    async def follow_free(self, subnet_id: str) -> AsyncIterator[int]:
        """How many addresses a subnet has left, at once and again whenever it is another number.
        Never ends.
        """
        told: int | None = None
        async for claims in self._records.addresses.follow():
            subnet = self._records.subnet(subnet_id)
            taken = sum(claim.subnet_id == subnet_id for claim in claims)
            free = 0 if subnet is None else capacity(subnet.cidr) - taken
            if free != told:
                told = free
                yield free
