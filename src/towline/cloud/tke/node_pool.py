"""Pools of virtual nodes: CreateClusterVirtualNodePool, DescribeClusterVirtualNodePools,
ModifyClusterVirtualNodePool, DeleteClusterVirtualNodePool.

A pool is a name for some of a cluster's nodes, and a node is a subnet. What a pool of the cloud
gives its nodes beyond that (labels, taints) is refused, not forgotten. Its security groups are those of
pods that name none by annotation.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from towline.cloud.action import Action, Answer, AnyAction, Done, Parameters
from towline.cloud.context import Context, Resources
from towline.cloud.identifier import resource_id
from towline.cloud.refusal import Refusal
from towline.cloud.tke.lookup import running, the_cluster
from towline.cloud.tke.node_change import (
    VirtualNodeSpec,
    joined,
    the_pool,
    wanted_subnets,
    with_pool,
    without_nodes,
)
from towline.cloud.transaction import Decision, settle, witness
from towline.resource.cluster import NodePool
from towline.store.write import Update

_LONGEST_NAME = 60  # characters


class Label(Parameters, frozen=True, kw_only=True):
    """A label of nodes."""

    name: str
    value: str = ""


class Taint(Parameters, frozen=True, kw_only=True):
    """A taint of nodes."""

    key: str = ""
    value: str = ""
    effect: str = ""


class SubnetAllocationPolicy(Parameters, frozen=True, kw_only=True):
    """How the cloud spreads pods over a pool's subnets; here the scheduler does it."""

    policy: str = ""


class CreatePool(Parameters, frozen=True, kw_only=True):
    """What a new pool is to be."""

    cluster_id: str
    name: str
    security_group_ids: tuple[str, ...]
    subnet_ids: tuple[str, ...] = ()
    labels: tuple[Label, ...] = ()
    taints: tuple[Taint, ...] = ()
    virtual_nodes: tuple[VirtualNodeSpec, ...] = ()
    deletion_protection: bool = False
    os: str = msgspec.field(name="OS", default="linux")


class CreatedPool(Answer, frozen=True, kw_only=True):
    """The new pool's id."""

    node_pool_id: str


class DescribePools(Parameters, frozen=True, kw_only=True):
    """Whose pools to show."""

    cluster_id: str


class Pool(Answer, frozen=True, kw_only=True):
    """One pool, as the API shows it."""

    node_pool_id: str
    subnet_ids: tuple[str, ...]
    name: str
    life_state: str
    labels: tuple[Label, ...] = ()
    taints: tuple[Taint, ...] = ()


class Pools(Answer, frozen=True, kw_only=True):
    """The pools of a cluster."""

    total_count: int
    node_pool_set: tuple[Pool, ...]


class ModifyPool(Parameters, frozen=True, kw_only=True):
    """What a pool is to be from now on; what is not given stays."""

    cluster_id: str
    node_pool_id: str
    name: str | None = None
    security_group_ids: tuple[str, ...] = ()
    labels: tuple[Label, ...] = ()
    taints: tuple[Taint, ...] = ()
    deletion_protection: bool | None = None


class DeletePools(Parameters, frozen=True, kw_only=True):
    """Which pools to remove, with all their nodes."""

    cluster_id: str
    node_pool_ids: tuple[str, ...]
    force: bool = False


async def create_pool(context: Context, asked: CreatePool) -> CreatedPool:
    """Make a pool; the agent makes a node for each of its subnets."""
    resources = context.resources
    _check_name(asked.name)
    _refuse_marks(asked.labels, asked.taints)
    groups = tuple(dict.fromkeys(asked.security_group_ids))
    if asked.os != "linux":
        raise Refusal("UnsupportedOperation", "Nodes are Linux here.")

    def decide() -> Decision[NodePool]:
        cluster = running(resources, asked.cluster_id)
        subnets = wanted_subnets(asked.subnet_ids, asked.virtual_nodes)
        pool = NodePool(
            id=resource_id("np"),
            name=asked.name,
            subnet_ids=(),
            created_at=context.now(),
            deletion_protection=asked.deletion_protection,
            security_group_ids=groups,
        )
        changed = joined(resources, with_pool(cluster, pool), pool.id, subnets)
        witnessed = [witness(resources.subnets, cluster.vpc_id, one) for one in subnets]
        write = resources.clusters.substitution("", cluster.id, changed)
        return Decision([*witnessed, *_groups_there(resources, groups), write], pool)

    return CreatedPool(node_pool_id=(await settle(resources.store, decide)).id)


async def describe_pools(context: Context, asked: DescribePools) -> Pools:
    """Show the pools of a cluster."""
    cluster = the_cluster(context.resources, asked.cluster_id)
    shown = tuple(
        Pool(node_pool_id=pool.id, subnet_ids=pool.subnet_ids, name=pool.name, life_state="normal")
        for pool in cluster.pools
    )
    return Pools(total_count=len(shown), node_pool_set=shown)


async def modify_pool(context: Context, asked: ModifyPool) -> Done:
    """Rename a pool, protect it, or give the pods that come from now on other groups."""
    resources = context.resources
    _refuse_marks(asked.labels, asked.taints)
    groups = tuple(dict.fromkeys(asked.security_group_ids))
    if asked.name is not None:
        _check_name(asked.name)

    def decide() -> Decision[Done]:
        cluster = running(resources, asked.cluster_id)
        pool = the_pool(cluster, asked.node_pool_id)
        protected = asked.deletion_protection
        changed = msgspec.structs.replace(
            pool,
            name=pool.name if asked.name is None else asked.name,
            deletion_protection=pool.deletion_protection if protected is None else protected,
            security_group_ids=groups or pool.security_group_ids,
        )
        write = resources.clusters.substitution("", cluster.id, with_pool(cluster, changed))
        return Decision([*_groups_there(resources, groups), write], Done())

    return await settle(resources.store, decide)


async def delete_pools(context: Context, asked: DeletePools) -> Done:
    """Remove pools with their nodes; by force also when there are pods on these."""
    resources = context.resources

    def decide() -> Decision[Done]:
        cluster = running(resources, asked.cluster_id)
        pools = [the_pool(cluster, one) for one in dict.fromkeys(asked.node_pool_ids)]
        if protected := [one.id for one in pools if one.deletion_protection]:
            raise Refusal("OperationDenied", f"{', '.join(protected)} is protected from deletion.")
        subnets = tuple(one for pool in pools for one in pool.subnet_ids)
        changed = without_nodes(resources, cluster, subnets, by_force=asked.force)
        left = tuple(one for one in changed.pools if one.id not in {pool.id for pool in pools})
        changed = msgspec.structs.replace(changed, pools=left)
        return Decision([resources.clusters.substitution("", cluster.id, changed)], Done())

    return await settle(resources.store, decide)


ACTIONS: Mapping[str, AnyAction] = {
    "CreateClusterVirtualNodePool": Action(CreatePool, create_pool),
    "DescribeClusterVirtualNodePools": Action(DescribePools, describe_pools),
    "ModifyClusterVirtualNodePool": Action(ModifyPool, modify_pool),
    "DeleteClusterVirtualNodePool": Action(DeletePools, delete_pools),
}


def _check_name(name: str) -> None:
    if not 0 < len(name) <= _LONGEST_NAME:
        raise Refusal("InvalidParameter.Param", f"Name has 1 to {_LONGEST_NAME} characters.")


def _groups_there(resources: Resources, groups: tuple[str, ...]) -> list[Update]:
    """The writes that see to it that the groups stay; refused when one does not exist."""
    for group in groups:
        if resources.security_groups.get("", group) is None:
            raise Refusal("InvalidParameter.Param", f"There is no security group {group}.")
    return [witness(resources.security_groups, "", group) for group in groups]


def _refuse_marks(labels: tuple[Label, ...], taints: tuple[Taint, ...]) -> None:
    if labels or taints:
        raise Refusal(
            "UnsupportedOperation", "Pools mark no nodes here; use kubectl label and kubectl taint."
        )
