"""What every installation begins with: a default VPC, a subnet in it, and the cluster of that subnet.

So that a person who has just started Towline can run pods before having read about networks, as an
account of the cloud finds a default VPC in every region.
"""

from __future__ import annotations

from towline.cloud.context import Clock, Resources, rfc3339
from towline.cloud.identifier import resource_id
from towline.resource.cluster import Cluster
from towline.resource.vpc import Subnet, Vpc

NAME = "default"
VPC_RANGE = "10.0.0.0/16"
SUBNET_RANGE = "10.0.0.0/24"


async def found(resources: Resources, region: str, clock: Clock) -> None:
    """Make the three records together, unless there is a cluster already."""
    if resources.clusters.list():
        return
    now = rfc3339(clock())
    vpc = Vpc(id=resource_id("vpc"), name=NAME, cidr=VPC_RANGE, created_at=now, is_default=True)
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
            resources.subnets.creation(vpc.id, subnet.id, subnet),
            resources.clusters.creation("", cluster.id, cluster),
        ]
    )
