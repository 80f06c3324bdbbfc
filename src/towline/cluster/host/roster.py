"""Which clusters there are beside the installation's own, and somebody at work for each.

The records say which. What works for one cluster has nothing to do with the others: it may fail and
be begun with anew while they go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass

import structlog

from towline.resource import kind
from towline.resource.cluster import Cluster, ClusterStatus
from towline.store.collection import Collection
from towline.store.store import Store

_AGAIN = 2.0  # seconds until what failed is begun with anew

Work = Callable[[Cluster], Awaitable[None]]
Terms = Callable[[Cluster], Hashable]
"""What the work for a cluster depends on; None while there is nothing to do for it."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Job:
    terms: Hashable
    task: asyncio.Task[None]


class Roster:
    """Follows the records."""

    def __init__(self, clusters: Collection[Cluster]) -> None:
        self._clusters = clusters

    @classmethod
    def of(cls, store: Store) -> Roster:
        """The one of the clusters in a store."""
        return cls(Collection(store, kind.CLUSTER, Cluster))

    async def employ(self, terms: Terms, work: Work) -> None:
        """Have `work` done for every cluster that has `terms`, until cancelled.

        Where they change, or the cluster is gone, the work is cancelled; then it is begun anew.
        """
        jobs: dict[str, _Job] = {}
        async with asyncio.TaskGroup() as tasks:
            async for clusters in self._clusters.follow():
                wanted = {one.id: one for one in clusters if not one.own and terms(one) is not None}
                for id_, job in list(jobs.items()):
                    if id_ not in wanted or terms(wanted[id_]) != job.terms:
                        await _end(jobs.pop(id_).task)
                for id_ in wanted.keys() - jobs.keys():
                    task = tasks.create_task(_insist(work, wanted[id_]))
                    jobs[id_] = _Job(terms(wanted[id_]), task)


def port_when_served(cluster: Cluster) -> int | None:
    """Terms of those who speak to a cluster's API: where it listens, as soon as it does."""
    is_served = cluster.status is not ClusterStatus.INITIALIZING and cluster.port
    return cluster.port if is_served else None


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


async def _insist(work: Work, cluster: Cluster) -> None:
    """Work until that is done; one cluster's trouble must not be that of all."""
    while True:
        try:
            await work(cluster)
        except Exception:  # noqa: BLE001  # see above: whatever it is
            _log.exception("work for a cluster failed", cluster=cluster.id)
            await asyncio.sleep(_AGAIN)
        else:
            return
