"""In which subnets the pods of a cluster may be, and how much room there is, as its virtual nodes
want to know it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from towline.network.address import capacity
from towline.resource.cluster import Cluster, ClusterStatus
from towline.sandbox.network.records import Records


class ClusterSubnets:
    """The subnets that are written down in a cluster's record."""

    def __init__(self, records: Records, cluster_id: str = "") -> None:
        """Without an id, of the installation's own cluster."""
        self._records = records
        self._cluster_id = cluster_id

    async def watch(self) -> AsyncIterator[frozenset[str]]:
        """Their ids, at once and again whenever they are others; none when the cluster is to end.
        Never ends.
        """
        told: frozenset[str] | None = None
        async for clusters in self._records.clusters.follow():
            meant = filter(self._is_meant, clusters)
            subnets = frozenset(each for cluster in meant for each in cluster.subnet_ids)
            if subnets != told:
                told = subnets
                yield subnets

    def _is_meant(self, cluster: Cluster) -> bool:
        is_ending = cluster.status is ClusterStatus.TERMINATING
        return cluster.is_called(self._cluster_id) and not is_ending

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
