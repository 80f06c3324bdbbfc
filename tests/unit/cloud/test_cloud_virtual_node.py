"""Virtual nodes and their pools: a node is a subnet that a cluster's pods may be in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.clouds import open_context, refused
from tests.clusters import call, cluster_of, obey, the
from tests.vpc_calls import call as call_network
from tests.vpc_calls import subnet_of

from towline.cloud.context import Context
from towline.resource.vpc import Address, AddressOwner

GROUPS: dict[str, Any] = {"SecurityGroupIds": []}


async def phases(context: Context, **asked: Any) -> dict[str, str]:
    """The phases of nodes, by their subnets."""
    told = await call(context, "DescribeClusterVirtualNode", **asked)
    assert told["TotalCount"] == len(told["Nodes"])
    return {one["SubnetId"]: one["Phase"] for one in told["Nodes"]}


async def more_subnets(context: Context, cluster_id: str) -> tuple[str, str]:
    """Two more subnets of a cluster's VPC."""
    vpc_id = the(context, cluster_id).vpc_id
    return (
        await subnet_of(context, vpc_id, "10.0.2.0/24"),
        await subnet_of(context, vpc_id, "10.0.3.0/24"),
    )


async def test_a_cluster_begins_with_a_pool_of_all_its_nodes(tmp_path: Path) -> None:
    """They are pending until their nodes are ready."""
    async with open_context(tmp_path) as context:
        cluster_id = await cluster_of(context)
        (subnet_id,) = the(context, cluster_id).subnet_ids
        told = await call(context, "DescribeClusterVirtualNodePools", ClusterId=cluster_id)
        (pool,) = told["NodePoolSet"]

        assert (pool["Name"], pool["SubnetIds"]) == ("default", [subnet_id])
        assert await phases(context, ClusterId=cluster_id) == {subnet_id: "Running"}


async def test_nodes_come_and_go_with_their_pools(tmp_path: Path) -> None:
    """A pool's nodes are made with it, or one by one; the last node of a cluster stays."""
    async with open_context(tmp_path) as context:
        cluster_id = await cluster_of(context)
        of_cluster = {"ClusterId": cluster_id}
        (first,) = the(context, cluster_id).subnet_ids
        second, third = await more_subnets(context, cluster_id)
        made = await call(
            context,
            "CreateClusterVirtualNodePool",
            **of_cluster,
            **GROUPS,
            Name="batch",
            SubnetIds=[second],
        )
        in_pool = {**of_cluster, "NodePoolId": made["NodePoolId"]}
        node = await call(context, "CreateClusterVirtualNode", **in_pool, SubnetId=third)
        early = await phases(context, **in_pool)
        await obey(context.settings.clusters, context.resources)
        late = await phases(context, **in_pool, NodeNames=[node["NodeName"]])
        with refused("ResourceInUse.SubnetAlreadyExist"):
            await call(context, "CreateClusterVirtualNode", **in_pool, SubnetIds=[first])
        await call(context, "DeleteClusterVirtualNode", **of_cluster, NodeNames=[f"eklet-{first}"])
        pools = {"NodePoolIds": [made["NodePoolId"]]}
        with refused("OperationDenied"):
            await call(context, "DeleteClusterVirtualNodePool", **of_cluster, **pools, Force=True)
        left = the(context, cluster_id)

    assert early == {second: "Pending", third: "Pending"}
    assert late == {third: "Running"}
    assert node["NodeName"] == f"eklet-{third}"
    assert left.subnet_ids == (second, third)
    assert [pool.subnet_ids for pool in left.pools] == [(), (second, third)]


async def test_a_node_with_pods_goes_by_force_only(tmp_path: Path) -> None:
    """Then it is drained; it can also be drained alone."""
    async with open_context(tmp_path) as context:
        cluster_id = await cluster_of(context)
        of_cluster = {"ClusterId": cluster_id}
        (first,) = the(context, cluster_id).subnet_ids
        second, _ = await more_subnets(context, cluster_id)
        pool = the(context, cluster_id).pools[0].id
        await call(
            context, "CreateClusterVirtualNode", **of_cluster, NodePoolId=pool, SubnetId=second
        )
        vpc_id = the(context, cluster_id).vpc_id
        address = Address(
            vpc_id=vpc_id,
            subnet_id=first,
            ip="10.0.1.2",
            owner=AddressOwner.POD,
            owner_id="uid",
        )
        await context.resources.addresses.create(vpc_id, address.ip, address)
        names = {"NodeNames": [f"eklet-{first}"]}
        with refused("ResourceInUse.ExistRunningPod"):
            await call(context, "DeleteClusterVirtualNode", **of_cluster, **names)
        await call(context, "DrainClusterVirtualNode", **of_cluster, NodeName=f"eklet-{first}")
        drained = the(context, cluster_id).draining
        await call(context, "DeleteClusterVirtualNode", **of_cluster, **names, Force=True)
        left = the(context, cluster_id)

    assert drained == (first,)
    assert (left.subnet_ids, left.draining) == ((second,), (first,))


async def test_a_pool_is_renamed_and_protected(tmp_path: Path) -> None:
    """What it cannot give its nodes is refused, not forgotten."""
    async with open_context(tmp_path) as context:
        cluster_id = await cluster_of(context)
        pool = the(context, cluster_id).pools[0].id
        this = {"ClusterId": cluster_id, "NodePoolId": pool}
        await call(
            context, "ModifyClusterVirtualNodePool", **this, Name="main", DeletionProtection=True
        )
        with refused("OperationDenied"):
            await call(
                context,
                "DeleteClusterVirtualNodePool",
                ClusterId=cluster_id,
                NodePoolIds=[pool],
            )
        for wrong in (
            {"Labels": [{"Name": "a", "Value": "b"}]},
            {"Taints": [{"Key": "a"}]},
        ):
            with refused("UnsupportedOperation"):
                await call(context, "ModifyClusterVirtualNodePool", **this, **wrong)
        with refused("InvalidParameter.Param"):
            await call(context, "ModifyClusterVirtualNodePool", **this, SecurityGroupIds=["sg-1"])
        with refused("ResourceNotFound"):
            await call(context, "DrainClusterVirtualNode", ClusterId=cluster_id, NodeName="x")
        (held,) = the(context, cluster_id).pools

    assert (held.name, held.deletion_protection) == ("main", True)


async def test_the_groups_of_a_pool_stay_as_long_as_it_names_them(tmp_path: Path) -> None:
    """Its pods would have none of them otherwise."""
    async with open_context(tmp_path) as context:
        cluster_id = await cluster_of(context)
        pool = the(context, cluster_id).pools[0]
        this = {"ClusterId": cluster_id, "NodePoolId": pool.id}
        made = [
            await call_network(context, "CreateSecurityGroup", GroupName=name, GroupDescription="")
            for name in ("first", "second")
        ]
        first, second = (one["SecurityGroup"]["SecurityGroupId"] for one in made)
        change = "ModifyClusterVirtualNodePool"
        await call(context, change, **this, SecurityGroupIds=[second])
        with refused("ResourceInUse"):
            await call_network(context, "DeleteSecurityGroup", SecurityGroupId=second)
        groups = the(context, cluster_id).groups_in(pool.subnet_ids[0])
        await call(context, change, **this, SecurityGroupIds=[first])
        await call_network(context, "DeleteSecurityGroup", SecurityGroupId=second)

        assert groups == (second,)
        assert the(context, cluster_id).groups_in("subnet-of-nobody") == ()
