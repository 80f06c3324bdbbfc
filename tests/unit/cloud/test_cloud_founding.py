"""An installation begins with a network and a cluster in it, so that the first pod has a place."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

from tests.clouds import NOW, open_context

from towline.cloud.founding import found
from towline.cloud.vpc.subnet import DescribeSubnets, describe_subnets
from towline.cloud.vpc.vpc import DescribeVpcs, describe_vpcs

REGION = "ap-guangzhou"


async def test_the_first_start_makes_a_default_vpc_a_subnet_and_a_cluster(tmp_path: Path) -> None:
    """And they belong to each other."""
    async with open_context(tmp_path) as context:
        await found(context.resources, REGION, lambda: NOW)
        (vpc,) = (await describe_vpcs(context, DescribeVpcs())).vpc_set
        (subnet,) = (await describe_subnets(context, DescribeSubnets())).subnet_set
        (cluster,) = context.resources.clusters.list()

    assert (vpc.cidr_block, vpc.is_default) == ("10.0.0.0/16", True)
    assert (subnet.vpc_id, subnet.zone) == (vpc.vpc_id, "ap-guangzhou-1")
    assert IPv4Network(subnet.cidr_block).subnet_of(IPv4Network(vpc.cidr_block))
    assert (cluster.vpc_id, cluster.subnet_ids) == (vpc.vpc_id, (subnet.subnet_id,))
    assert cluster.id.startswith("cls-")


async def test_later_starts_make_nothing(tmp_path: Path) -> None:
    """Not even after the file was closed and opened again."""
    async with open_context(tmp_path) as context:
        await found(context.resources, REGION, lambda: NOW)
        first = context.resources.clusters.list()
    async with open_context(tmp_path) as context:
        await found(context.resources, REGION, lambda: NOW)
        revision = context.resources.store.revision
        again = context.resources.clusters.list()

    assert again == first
    assert revision == 4


async def test_a_vpc_of_before_route_tables_gets_its_main_one(tmp_path: Path) -> None:
    """At the next start, and only once."""
    async with open_context(tmp_path) as context:
        resources = context.resources
        await found(resources, REGION, lambda: NOW)
        (table,) = resources.route_tables.list()
        await resources.route_tables.delete(table.vpc_id, table.id)
        for _ in range(2):
            await found(resources, REGION, lambda: NOW)

        assert resources.route_tables.list() == (table,)


async def test_the_four_records_are_one_transaction(tmp_path: Path) -> None:
    """No reader, in whatever process, sees a cluster without its subnet."""
    async with open_context(tmp_path) as context:
        seen: list[tuple[int, ...]] = []
        store = context.resources.store
        watch = store.watch("vpc", after=store.revision)
        await found(context.resources, REGION, lambda: NOW)
        await anext(watch)
        resources = context.resources
        seen.append(tuple(len(one.list()) for one in (resources.subnets, resources.clusters)))

    assert seen == [(1, 1)]
