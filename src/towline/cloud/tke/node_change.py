"""A cluster with more or fewer virtual nodes. A node is a subnet that the cluster's pods may be in."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from towline.cloud.action import Parameters
from towline.cloud.context import Resources
from towline.cloud.refusal import Refusal
from towline.cloud.tag import Tag
from towline.cloud.tke.lookup import refuse_foreign_subnets
from towline.resource.cluster import Cluster, NodePool
from towline.resource.vpc import AddressOwner


class VirtualNodeSpec(Parameters, frozen=True, kw_only=True):
    """One node that is wanted."""

    display_name: str = ""
    subnet_id: str = ""
    tags: tuple[Tag, ...] = ()
    quota: dict[str, int] | None = None
    """Of the cloud's prepaid nodes, which there are none of here."""


def wanted_subnets(
    subnet_ids: Sequence[str], nodes: Sequence[VirtualNodeSpec], *more: str
) -> tuple[str, ...]:
    """Every subnet that a request names, in whichever way; refused when there is none."""
    named = [*more, *subnet_ids, *(one.subnet_id for one in nodes)]
    subnets = tuple(dict.fromkeys(filter(None, named)))
    if not subnets:
        raise Refusal("InvalidParameter.Param", "No subnet is named for the nodes.")
    return subnets


def the_pool(cluster: Cluster, pool_id: str) -> NodePool:
    """The pool of a cluster with this id; refused when it has none."""
    for pool in cluster.pools:
        if pool.id == pool_id:
            return pool
    raise Refusal("ResourceNotFound", f"{cluster.id} has no node pool {pool_id}.")


def with_pool(cluster: Cluster, pool: NodePool) -> Cluster:
    """The cluster with a pool, instead of one of the same id if there is one."""
    if all(one.id != pool.id for one in cluster.pools):
        return msgspec.structs.replace(cluster, pools=(*cluster.pools, pool))
    pools = tuple(pool if one.id == pool.id else one for one in cluster.pools)
    return msgspec.structs.replace(cluster, pools=pools)


def joined(
    resources: Resources, cluster: Cluster, pool_id: str, subnet_ids: tuple[str, ...]
) -> Cluster:
    """The cluster with nodes for more subnets in one of its pools."""
    refuse_foreign_subnets(resources, cluster.vpc_id, subnet_ids)
    if taken := [one for one in subnet_ids if one in cluster.subnet_ids]:
        raise Refusal(
            "ResourceInUse.SubnetAlreadyExist",
            f"{cluster.id} has a node in {', '.join(taken)}; a subnet has one node.",
        )
    pool = the_pool(cluster, pool_id)
    grown = msgspec.structs.replace(pool, subnet_ids=(*pool.subnet_ids, *subnet_ids))
    larger = msgspec.structs.replace(cluster, subnet_ids=(*cluster.subnet_ids, *subnet_ids))
    return with_pool(larger, grown)


def without_nodes(
    resources: Resources, cluster: Cluster, subnet_ids: tuple[str, ...], *, by_force: bool
) -> Cluster:
    """The cluster without the nodes of these subnets; by force their pods are evicted."""
    left = tuple(one for one in cluster.subnet_ids if one not in subnet_ids)
    if not left:
        raise Refusal("OperationDenied", f"The last node of {cluster.id} cannot be removed.")
    if not by_force and (busy := _with_pods(resources, cluster, subnet_ids)):
        raise Refusal(
            "ResourceInUse.ExistRunningPod", f"There are pods in {', '.join(busy)}: drain it first."
        )
    pools = tuple(
        msgspec.structs.replace(
            pool, subnet_ids=tuple(one for one in pool.subnet_ids if one not in subnet_ids)
        )
        for pool in cluster.pools
    )
    draining = tuple(dict.fromkeys([*cluster.draining, *(subnet_ids if by_force else ())]))
    return msgspec.structs.replace(cluster, subnet_ids=left, pools=pools, draining=draining)


def _with_pods(
    resources: Resources, cluster: Cluster, subnet_ids: tuple[str, ...]
) -> tuple[str, ...]:
    """The subnets in which there is any pod."""
    addresses = resources.addresses.list(cluster.vpc_id)
    taken = {one.subnet_id for one in addresses if one.owner is AddressOwner.POD}
    return tuple(one for one in subnet_ids if one in taken)
