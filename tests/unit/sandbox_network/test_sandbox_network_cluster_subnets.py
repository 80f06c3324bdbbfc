"""In which subnets there are virtual nodes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
from tests.networks import cluster, subnet

from towline.sandbox.network.cluster_subnets import ClusterSubnets
from towline.sandbox.network.records import Records
from towline.store.store import Store


async def following(subnets: AsyncIterator[frozenset[str]]) -> frozenset[str]:
    """What is told next."""
    async with asyncio.timeout(5):
        return await anext(subnets)


async def test_the_clusters_subnets_are_told_at_once_and_when_they_change(tmp_path: Path) -> None:
    """A change that leaves the subnets as they are is not told."""
    async with Store.open(tmp_path / "records.db") as store:
        records = Records(store)
        told = ClusterSubnets(records).watch()
        first = await following(told)
        one = cluster(subnet(0))
        await records.clusters.create("", one.id, one)
        second = await following(told)
        named = msgspec.structs.replace(one, name="renamed")
        await records.clusters.update("", one.id, lambda _: named)
        two = msgspec.structs.replace(named, subnet_ids=(subnet(0).id, subnet(0, 1).id))
        await records.clusters.update("", one.id, lambda _: two)
        third = await following(told)

    assert (first, second, third) == (
        frozenset(),
        frozenset({subnet(0).id}),
        frozenset({subnet(0).id, subnet(0, 1).id}),
    )
