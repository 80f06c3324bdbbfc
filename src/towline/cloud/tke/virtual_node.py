"""Virtual nodes: CreateClusterVirtualNode, DescribeClusterVirtualNode, DrainClusterVirtualNode,
DeleteClusterVirtualNode.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from towline.cloud.action import Action, Answer, AnyAction, Done, Parameters
from towline.cloud.context import Context
from towline.cloud.refusal import Refusal
from towline.cloud.tke.lookup import running, the_cluster
from towline.cloud.tke.node_change import (
    VirtualNodeSpec,
    joined,
    the_pool,
    wanted_subnets,
    without_nodes,
)
from towline.cloud.transaction import Decision, settle, witness
from towline.resource.cluster import Cluster

_PREFIX = "eklet-"
"""Of a node's name, before that of its subnet."""


class CreateNode(Parameters, frozen=True, kw_only=True):
    """In which subnets to make nodes, and in which pool."""

    cluster_id: str
    node_pool_id: str
    subnet_id: str = ""
    subnet_ids: tuple[str, ...] = ()
    virtual_nodes: tuple[VirtualNodeSpec, ...] = ()


class CreatedNode(Answer, frozen=True, kw_only=True):
    """The name of the first new node."""

    node_name: str


class DescribeNodes(Parameters, frozen=True, kw_only=True):
    """Which nodes to show."""

    cluster_id: str
    node_pool_id: str = ""
    node_names: tuple[str, ...] = ()


class Node(Answer, frozen=True, kw_only=True):
    """One node, as the API shows it."""

    name: str
    subnet_id: str
    phase: str
    created_time: str


class Nodes(Answer, frozen=True, kw_only=True):
    """The nodes asked for."""

    nodes: tuple[Node, ...]
    total_count: int


class DrainNode(Parameters, frozen=True, kw_only=True):
    """Which node to rid of its pods."""

    cluster_id: str
    node_name: str


class DeleteNodes(Parameters, frozen=True, kw_only=True):
    """Which nodes to remove."""

    cluster_id: str
    node_names: tuple[str, ...]
    force: bool = False


async def create_node(context: Context, asked: CreateNode) -> CreatedNode:
    """Let a cluster's pods be in more subnets; the agent makes a node for each."""
    resources = context.resources

    def decide() -> Decision[str]:
        cluster = running(resources, asked.cluster_id)
        subnets = wanted_subnets(asked.subnet_ids, asked.virtual_nodes, asked.subnet_id)
        changed = joined(resources, cluster, asked.node_pool_id, subnets)
        witnessed = [witness(resources.subnets, cluster.vpc_id, one) for one in subnets]
        write = resources.clusters.substitution("", cluster.id, changed)
        return Decision([*witnessed, write], subnets[0])

    return CreatedNode(node_name=_PREFIX + await settle(resources.store, decide))


async def describe_nodes(context: Context, asked: DescribeNodes) -> Nodes:
    """Show the nodes of a cluster, or of one of its pools."""
    cluster = the_cluster(context.resources, asked.cluster_id)
    subnets = cluster.subnet_ids
    if asked.node_pool_id:
        subnets = the_pool(cluster, asked.node_pool_id).subnet_ids
    if asked.node_names:
        wanted = _subnets_of(cluster, asked.node_names)
        subnets = tuple(one for one in subnets if one in wanted)
    shown = tuple(_node(cluster, one) for one in subnets)
    return Nodes(nodes=shown, total_count=len(shown))


async def drain_node(context: Context, asked: DrainNode) -> Done:
    """Ask for a node's pods to be evicted; it takes no new ones until it is uncordoned."""
    resources = context.resources

    def decide() -> Decision[Done]:
        cluster = running(resources, asked.cluster_id)
        (subnet_id,) = _subnets_of(cluster, (asked.node_name,))
        draining = tuple(dict.fromkeys([*cluster.draining, subnet_id]))
        changed = msgspec.structs.replace(cluster, draining=draining)
        return Decision([resources.clusters.substitution("", cluster.id, changed)], Done())

    return await settle(resources.store, decide)


async def delete_nodes(context: Context, asked: DeleteNodes) -> Done:
    """Take subnets from a cluster: those without pods, or by force all."""
    resources = context.resources

    def decide() -> Decision[Done]:
        cluster = running(resources, asked.cluster_id)
        subnets = _subnets_of(cluster, asked.node_names)
        changed = without_nodes(resources, cluster, subnets, by_force=asked.force)
        return Decision([resources.clusters.substitution("", cluster.id, changed)], Done())

    return await settle(resources.store, decide)


ACTIONS: Mapping[str, AnyAction] = {
    "CreateClusterVirtualNode": Action(CreateNode, create_node),
    "DescribeClusterVirtualNode": Action(DescribeNodes, describe_nodes),
    "DrainClusterVirtualNode": Action(DrainNode, drain_node),
    "DeleteClusterVirtualNode": Action(DeleteNodes, delete_nodes),
}


def _subnets_of(cluster: Cluster, names: Sequence[str]) -> tuple[str, ...]:
    """The subnets of nodes; refused when the cluster has no such node."""
    subnets = tuple(name.removeprefix(_PREFIX) for name in dict.fromkeys(names))
    for name, subnet_id in zip(dict.fromkeys(names), subnets, strict=True):
        if subnet_id not in cluster.subnet_ids or name == subnet_id:
            raise Refusal("ResourceNotFound", f"{cluster.id} has no virtual node `{name}`.")
    return subnets


def _node(cluster: Cluster, subnet_id: str) -> Node:
    return Node(
        name=_PREFIX + subnet_id,
        subnet_id=subnet_id,
        phase="Running" if subnet_id in cluster.ready else "Pending",
        created_time=cluster.created_at,
    )
