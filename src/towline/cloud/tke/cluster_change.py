"""UpdateEKSCluster: what of a cluster can be changed while it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from towline.cloud.action import Action, AnyAction, Done, Parameters
from towline.cloud.context import Context
from towline.cloud.refusal import Refusal
from towline.cloud.tke.lookup import refuse_foreign_subnets, running
from towline.cloud.transaction import Decision, settle, witness
from towline.resource.cluster import Cluster, NodePool

_LONGEST_NAME, _LONGEST_TEXT = 60, 512  # characters


class DnsServerConf(Parameters, frozen=True, kw_only=True):
    """Whom a cluster's pods ask for the names of a domain."""

    domain: str = ""
    dns_servers: tuple[str, ...] = ()


class ClusterPublicLB(Parameters, frozen=True, kw_only=True):
    """Whether the API is reached from outside the VPC."""

    enabled: bool = False
    allow_from_cidrs: tuple[str, ...] = ()
    security_policies: tuple[str, ...] = ()
    extra_param: str = ""
    security_group: str = ""


class ClusterInternalLB(Parameters, frozen=True, kw_only=True):
    """Whether the API is reached from inside the VPC."""

    enabled: bool = False
    subnet_id: str = ""


class UpdateCluster(Parameters, frozen=True, kw_only=True):
    """What a cluster is to be from now on; what is not given stays."""

    cluster_id: str
    cluster_name: str | None = None
    cluster_desc: str | None = None
    subnet_ids: tuple[str, ...] | None = None
    public_lb: ClusterPublicLB | None = msgspec.field(name="PublicLB", default=None)
    internal_lb: ClusterInternalLB | None = msgspec.field(name="InternalLB", default=None)
    service_subnet_id: str | None = None
    dns_servers: tuple[DnsServerConf, ...] = ()
    clear_dns_server: str = ""
    need_delete_cbs: bool | None = None
    proxy_lb: bool | None = msgspec.field(name="ProxyLB", default=None)
    extra_param: str = ""


async def update_cluster(context: Context, asked: UpdateCluster) -> Done:
    """Change a cluster. Nodes of subnets that are left out take no new pods and go when they have
    none.
    """
    resources = context.resources
    _check(asked)

    def decide() -> Decision[Done]:
        cluster = running(resources, asked.cluster_id)
        changed = msgspec.structs.replace(cluster, **_changes(cluster, asked))
        named = dict.fromkeys([*changed.subnet_ids, changed.service_subnet_id])
        subnets = tuple(filter(None, named))
        refuse_foreign_subnets(resources, cluster.vpc_id, subnets)
        if changed == cluster:
            return Decision([], Done())
        witnessed = [witness(resources.subnets, cluster.vpc_id, one) for one in subnets]
        return Decision(
            [*witnessed, resources.clusters.substitution("", cluster.id, changed)], Done()
        )

    return await settle(resources.store, decide)


ACTIONS: Mapping[str, AnyAction] = {"UpdateEKSCluster": Action(UpdateCluster, update_cluster)}


def checked_name(name: str) -> None:
    """Refuse a name that is empty or too long."""
    if not 0 < len(name) <= _LONGEST_NAME:
        raise Refusal("InvalidParameter", f"ClusterName has 1 to {_LONGEST_NAME} characters.")


def checked_text(text: str) -> None:
    """Refuse a description that is too long."""
    if len(text) > _LONGEST_TEXT:
        raise Refusal("InvalidParameter", f"ClusterDesc has at most {_LONGEST_TEXT} characters.")


def refuse_dns_servers(servers: Sequence[DnsServerConf]) -> None:
    """Refuse name servers of a cluster's own."""
    if servers:
        raise Refusal(
            "UnsupportedOperation",
            "A cluster asks the resolver of its VPC here; make a private zone for the domain.",
        )


def with_subnets(cluster: Cluster, subnet_ids: tuple[str, ...]) -> Cluster:
    """The cluster with a node in each of these subnets: those that are new in its first pool."""
    kept = [_restricted(pool, subnet_ids) for pool in cluster.pools]
    pooled = {one for pool in kept for one in pool.subnet_ids}
    new = tuple(one for one in subnet_ids if one not in pooled)
    if kept:
        kept[0] = msgspec.structs.replace(kept[0], subnet_ids=(*kept[0].subnet_ids, *new))
    return msgspec.structs.replace(cluster, subnet_ids=subnet_ids, pools=tuple(kept))


def _check(asked: UpdateCluster) -> None:
    if asked.cluster_name is not None:
        checked_name(asked.cluster_name)
    checked_text(asked.cluster_desc or "")
    refuse_dns_servers(asked.dns_servers)
    if asked.subnet_ids is not None and not asked.subnet_ids:
        raise Refusal("InvalidParameter", "A cluster has at least one subnet.")
    if asked.public_lb is not None and not asked.public_lb.enabled:
        raise Refusal("UnsupportedOperation", "A cluster's API has one address, which stays.")
    if asked.internal_lb is not None and asked.internal_lb.enabled:
        raise Refusal("UnsupportedOperation", "A cluster's API is not reached from its VPC here.")


def _changes(cluster: Cluster, asked: UpdateCluster) -> dict[str, Any]:
    given: dict[str, Any] = {
        "name": asked.cluster_name,
        "description": asked.cluster_desc,
        "service_subnet_id": asked.service_subnet_id,
        "delete_disks": asked.need_delete_cbs,
    }
    changes = {field: value for field, value in given.items() if value is not None}
    if asked.subnet_ids is not None:
        wanted = with_subnets(cluster, tuple(dict.fromkeys(asked.subnet_ids)))
        changes |= {"subnet_ids": wanted.subnet_ids, "pools": wanted.pools}
    return changes


def _restricted(pool: NodePool, subnet_ids: tuple[str, ...]) -> NodePool:
    left = tuple(one for one in pool.subnet_ids if one in subnet_ids)
    return msgspec.structs.replace(pool, subnet_ids=left)
