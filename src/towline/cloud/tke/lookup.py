"""Finding a cluster by its id, in the state that an action needs."""

from __future__ import annotations

from towline.cloud.context import Resources
from towline.cloud.refusal import Refusal
from towline.resource.cluster import Cluster, ClusterStatus


def the_cluster(resources: Resources, cluster_id: str) -> Cluster:
    """The cluster with this id; refused when there is none."""
    cluster = resources.clusters.get("", cluster_id)
    if cluster is None:
        raise Refusal(
            "ResourceNotFound.ClusterNotFound", f"The cluster {cluster_id} does not exist."
        )
    return cluster


def running(resources: Resources, cluster_id: str) -> Cluster:
    """The cluster with this id; refused while it is being made or removed."""
    cluster = the_cluster(resources, cluster_id)
    if cluster.status is not ClusterStatus.RUNNING:
        raise Refusal(
            "ResourceUnavailable.ClusterState",
            f"The cluster {cluster_id} is {cluster.status}, not Running.",
        )
    return cluster


def refuse_foreign_subnets(resources: Resources, vpc_id: str, subnet_ids: tuple[str, ...]) -> None:
    """Refuse subnets that the VPC does not have, and one that is named twice."""
    for subnet_id in subnet_ids:
        if resources.subnets.get(vpc_id, subnet_id) is None:
            raise Refusal(
                "InvalidParameter.SubnetNotExist", f"The VPC {vpc_id} has no subnet {subnet_id}."
            )
    if len(set(subnet_ids)) < len(subnet_ids):
        raise Refusal("InvalidParameter.Param", "A subnet is named twice.")
