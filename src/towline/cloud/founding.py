"""What every installation begins with: a default VPC with its route table and a subnet, and the
cluster of that subnet.

So that a person who has just started Towline can run pods before having read about networks, as an
account of the cloud finds a default VPC in every region.
"""

from __future__ import annotations

from towline.cloud.context import Clock, Resources, rfc3339
from towline.cloud.identifier import resource_id
from towline.cloud.tcr import resolution
from towline.cloud.vpc.route_table import main_table
from towline.resource.cluster import Cluster
from towline.resource.vpc import Subnet, Vpc

NAME = "default"
VPC_RANGE = "10.0.0.0/16"
SUBNET_RANGE = "10.0.0.0/24"


async def found(resources: Resources, region: str, clock: Clock) -> None:
    """Make these records together, unless there is a cluster already.

    VPCs that were made before there were route tables get their main one, and links that were resolved
    before there were private zones get theirs.
    """
    now = rfc3339(clock())
    if resources.clusters.list():
        await _complete(resources, now)
        await resolution.complete(resources, now)
        return
    vpc = Vpc(id=resource_id("vpc"), name=NAME, cidr=VPC_RANGE, created_at=now, is_default=True)
    table = main_table(vpc.id, now)
    subnet = Subnet(
        id=resource_id("subnet"),
        vpc_id=vpc.id,
        name=NAME,
        cidr=SUBNET_RANGE,
        zone=f"{region}-1",
        created_at=now,
        is_default=True,
    )
    cluster = Cluster(
        id=resource_id("cls"),
        name=NAME,
        vpc_id=vpc.id,
        subnet_ids=(subnet.id,),
        created_at=now,
    )
    await resources.store.apply(
        [
            resources.vpcs.creation("", vpc.id, vpc),
            resources.route_tables.creation(vpc.id, table.id, table),
            resources.subnets.creation(vpc.id, subnet.id, subnet),
            resources.clusters.creation("", cluster.id, cluster),
        ]
    )


async def _complete(resources: Resources, now: str) -> None:
    missing = [
        main_table(vpc.id, now)
        for vpc in resources.vpcs.list()
        if not any(table.main for table in resources.route_tables.list(vpc.id))
    ]
    if missing:
        creation = resources.route_tables.creation
        await resources.store.apply([creation(one.vpc_id, one.id, one) for one in missing])
