"""Serverless clusters: CreateEKSCluster, DescribeEKSClusters, UpdateEKSCluster, DeleteEKSCluster.

Creating is asking: the record is `Initializing` until the cluster's role serves its API. Deleting
is asking too: the role ends the pods, waits for the nodes to go, and removes the record at last.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from towline.cloud.action import Action, Answer, AnyAction, Done, Parameters
from towline.cloud.context import Context, Resources
from towline.cloud.identifier import resource_id
from towline.cloud.page import Filter, matching, part
from towline.cloud.quota import counted
from towline.cloud.refusal import Refusal
from towline.cloud.tag import Tags, TagSpecification, checked, told
from towline.cloud.tke.cluster_change import (
    ACTIONS as CHANGES,
)
from towline.cloud.tke.cluster_change import (
    DnsServerConf,
    checked_name,
    checked_text,
    refuse_dns_servers,
)
from towline.cloud.tke.lookup import refuse_foreign_subnets, the_cluster
from towline.cloud.transaction import Decision, removal, settle, witness
from towline.resource.cluster import Cluster, ClusterStatus, NodePool
from towline.resource.quota import CLUSTERS

_QUOTA = 5  # clusters of a region, as the cloud has it
_VERSION = re.compile(r"1\.[1-9][0-9]?(\.[0-9]{1,2})?(-(eks|tke)\.[0-9]+)?")
_OLDEST = 16  # the minor version that the cloud's serverless clusters began with


class SubnetInfos(Parameters, frozen=True, kw_only=True):
    """One virtual node that a new cluster is to begin with."""

    subnet_id: str = ""
    name: str = ""
    security_groups: tuple[str, ...] = ()
    os: str = ""
    arch: str = ""


class CreateCluster(Parameters, frozen=True, kw_only=True):
    """What a new cluster is to be."""

    version: str = msgspec.field(name="K8SVersion")
    vpc_id: str
    cluster_name: str
    subnet_ids: tuple[str, ...]
    cluster_desc: str = ""
    service_subnet_id: str = ""
    dns_servers: tuple[DnsServerConf, ...] = ()
    extra_param: str = ""
    enable_vpc_core_dns: bool = msgspec.field(name="EnableVpcCoreDNS", default=True)
    tag_specification: tuple[TagSpecification, ...] = ()
    subnet_infos: tuple[SubnetInfos, ...] = ()


class CreatedCluster(Answer, frozen=True, kw_only=True):
    """The new cluster's id."""

    cluster_id: str


class DescribeClusters(Parameters, frozen=True, kw_only=True):
    """Which clusters to show."""

    cluster_ids: tuple[str, ...] = ()
    offset: int = 0
    limit: int = 20
    filters: tuple[Filter, ...] = ()


class ClusterInfo(Answer, frozen=True, kw_only=True):
    """One cluster, as the API shows it. Terraform reads all of it without looking for nulls."""

    cluster_id: str
    cluster_name: str
    vpc_id: str
    subnet_ids: tuple[str, ...]
    version: str = msgspec.field(name="K8SVersion")
    status: str
    cluster_desc: str
    created_time: str
    service_subnet_id: str
    dns_servers: tuple[DnsServerConf, ...] = ()
    need_delete_cbs: bool
    enable_vpc_core_dns: bool = msgspec.field(name="EnableVpcCoreDNS")
    tag_specification: tuple[Tags, ...] = ()


class Clusters(Answer, frozen=True, kw_only=True):
    """Some of the clusters, and how many there are."""

    total_count: int
    clusters: tuple[ClusterInfo, ...]


class DeleteCluster(Parameters, frozen=True, kw_only=True):
    """Which cluster to remove."""

    cluster_id: str


async def create_cluster(context: Context, asked: CreateCluster) -> CreatedCluster:
    """Ask for a cluster; its VPC and its subnets are in use from this moment on."""
    resources = context.resources
    _check(asked)
    tags = checked([tag for one in asked.tag_specification for tag in one.tags])

    def decide() -> Decision[Cluster]:
        if len(resources.clusters.list()) >= _QUOTA:
            raise Refusal("LimitExceeded", f"There are at most {_QUOTA} clusters in a region.")
        vpc = resources.vpc(asked.vpc_id)
        subnets = _subnets(resources, asked)
        cluster = _cluster(context, asked, tags)
        witnessed = [witness(resources.subnets, vpc.id, one) for one in subnets]
        writes = [
            counted(context, CLUSTERS),
            witness(resources.vpcs, "", vpc.id),
            *witnessed,
            resources.clusters.creation("", cluster.id, cluster),
        ]
        return Decision(writes, cluster)

    return CreatedCluster(cluster_id=(await settle(resources.store, decide)).id)


async def describe_clusters(context: Context, asked: DescribeClusters) -> Clusters:
    """Show clusters in the order of their creation."""
    wanted = set(asked.cluster_ids)
    held = context.resources.clusters.by_age()
    chosen = [one for one in held if not wanted or one.id in wanted]
    found = matching(chosen, asked.filters, {"ClusterName": lambda one: one.name})
    page = tuple(map(_info, part(found, asked.offset, asked.limit)))
    return Clusters(total_count=len(found), clusters=page)


async def delete_cluster(context: Context, asked: DeleteCluster) -> Done:
    """Ask for the removal of a cluster with every pod in it; its add-ons are gone at once."""
    resources = context.resources

    def decide() -> Decision[Done]:
        cluster = the_cluster(resources, asked.cluster_id)
        if cluster.own:
            raise Refusal(
                "UnsupportedOperation",
                f"{cluster.id} is the installation's own cluster, which stays as long as it does.",
            )
        ending = msgspec.structs.replace(cluster, status=ClusterStatus.TERMINATING)
        if ending == cluster:
            return Decision([], Done())
        addons = resources.addons.list(cluster.id)
        return Decision(
            [
                resources.clusters.substitution("", cluster.id, ending),
                *(removal(resources.addons, cluster.id, one.name) for one in addons),
            ],
            Done(),
        )

    return await settle(resources.store, decide)


ACTIONS: Mapping[str, AnyAction] = {
    "CreateEKSCluster": Action(CreateCluster, create_cluster),
    "DescribeEKSClusters": Action(DescribeClusters, describe_clusters),
    "DeleteEKSCluster": Action(DeleteCluster, delete_cluster),
    **CHANGES,
}


def _check(asked: CreateCluster) -> None:
    checked_name(asked.cluster_name)
    checked_text(asked.cluster_desc)
    if not _VERSION.fullmatch(asked.version) or int(asked.version.split(".")[1]) < _OLDEST:
        raise Refusal(
            "InvalidParameter", f"K8SVersion `{asked.version}` is none like 1.{_OLDEST}.3 or later."
        )
    if not asked.subnet_ids and not asked.subnet_infos:
        raise Refusal("InvalidParameter", "A cluster has at least one subnet.")
    refuse_dns_servers(asked.dns_servers)
    if any(one.security_groups for one in asked.subnet_infos):
        raise Refusal(
            "UnsupportedOperation",
            "Nodes have no security groups here; pods name theirs by annotation.",
        )


def _subnets(resources: Resources, asked: CreateCluster) -> tuple[str, ...]:
    """All subnets that the request speaks of, each once; refused when one is not of the VPC."""
    wanted = tuple(dict.fromkeys([*_node_subnets(asked), asked.service_subnet_id]))
    subnets = tuple(filter(None, wanted))
    refuse_foreign_subnets(resources, asked.vpc_id, subnets)
    return subnets


def _node_subnets(asked: CreateCluster) -> tuple[str, ...]:
    infos = (one.subnet_id for one in asked.subnet_infos if one.subnet_id)
    return tuple(dict.fromkeys([*asked.subnet_ids, *infos]))


def _cluster(context: Context, asked: CreateCluster, tags: dict[str, str]) -> Cluster:
    now, subnet_ids = context.now(), _node_subnets(asked)
    pool = NodePool(id=resource_id("np"), name="default", subnet_ids=subnet_ids, created_at=now)
    return Cluster(
        id=resource_id("cls"),
        name=asked.cluster_name,
        vpc_id=asked.vpc_id,
        subnet_ids=subnet_ids,
        created_at=now,
        own=False,
        version=asked.version,
        description=asked.cluster_desc,
        service_subnet_id=asked.service_subnet_id,
        core_dns=asked.enable_vpc_core_dns,
        tags=tags,
        pools=(pool,),
    )


def _info(cluster: Cluster) -> ClusterInfo:
    return ClusterInfo(
        cluster_id=cluster.id,
        cluster_name=cluster.name,
        vpc_id=cluster.vpc_id,
        subnet_ids=cluster.subnet_ids,
        version=cluster.version,
        status=cluster.status.value,
        cluster_desc=cluster.description,
        created_time=cluster.created_at,
        service_subnet_id=cluster.service_subnet_id,
        need_delete_cbs=cluster.delete_disks,
        enable_vpc_core_dns=cluster.core_dns,
        tag_specification=(told("cluster", cluster.tags),) if cluster.tags else (),
    )
