"""In which subnets the pods of the clusters may be, as the virtual nodes want to know it."""

from __future__ import annotations

from collections.abc import AsyncIterator

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
