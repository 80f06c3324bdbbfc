"""In which subnets there are virtual nodes, and how many pods they have room for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeVar

import msgspec
from tests.networks import cluster, subnet

from towline.resource.cluster import ClusterStatus
from towline.resource.vpc import AddressOwner
from towline.sandbox.network.addresses import Addresses
from towline.sandbox.network.cluster_subnets import ClusterSubnets
from towline.sandbox.network.records import Records
from towline.store.store import Store

T = TypeVar("T")


async def following(told: AsyncIterator[T]) -> T:
    """What is told next."""
    async with asyncio.timeout(5):
        return await anext(told)


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


async def test_each_cluster_has_its_own_subnets_until_it_is_to_end(tmp_path: Path) -> None:
    """Then none: its nodes take no pods any more, and go."""
    async with Store.open(tmp_path / "records.db") as store:
        records = Records(store)
        own = cluster(subnet(0))
        other = msgspec.structs.replace(
            cluster(subnet(0), subnet(0, 1)), id="cls-2", own=False, status=ClusterStatus.RUNNING
        )
        for one in (own, other):
            await records.clusters.create("", one.id, one)
        of_own, of_other = ClusterSubnets(records), ClusterSubnets(records, other.id)
        told = of_other.watch()
        first = await following(told)
        ending = msgspec.structs.replace(other, status=ClusterStatus.TERMINATING)
        await records.clusters.update("", other.id, lambda _: ending)
        second, of_the_own = await following(told), await following(of_own.watch())

    assert (first, second) == (frozenset({subnet(0).id, subnet(0, 1).id}), frozenset())
    assert of_the_own == frozenset({subnet(0).id})


async def test_what_is_left_of_a_subnet_is_told_at_once_and_when_it_changes(tmp_path: Path) -> None:
    """Links take from it as well as pods; what others take elsewhere is not told."""
    async with Store.open(tmp_path / "records.db") as store:
        records, addresses = Records(store), Addresses(store)
        small = subnet(0, 0, "10.0.0.0/29")
        await records.subnets.create(small.vpc_id, small.id, small)
        told = ClusterSubnets(records).follow_free(small.id)
        counts = [await following(told)]
        await addresses.claim(subnet(0, 1), AddressOwner.POD, "elsewhere")
        for owner in AddressOwner:
            await addresses.claim(small, owner, "uid-1")
            counts.append(await following(told))
        await addresses.free(AddressOwner.POD, "uid-1")
        counts.append(await following(told))

    assert counts == [5, 4, 3, 4]
