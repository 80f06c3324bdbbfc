"""A serverless cluster: a Kubernetes API whose pods live in certain subnets of one VPC."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class ClusterStatus(StrEnum):
    """The life of a cluster, in the words of the cloud's `EksCluster.Status`.

    They are capitalised, unlike in the prose of the cloud's own page: Terraform waits for exactly
    these.
    """

    INITIALIZING = "Initializing"
    RUNNING = "Running"
    TERMINATING = "Terminating"


class NodePool(msgspec.Struct, frozen=True, kw_only=True):
    """Some of a cluster's virtual nodes under one name."""

    id: str
    """`np-…`."""
    name: str
    subnet_ids: tuple[str, ...]
    created_at: str
    deletion_protection: bool = False
    security_group_ids: tuple[str, ...] = ()
    """Those of pods that name none themselves."""


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """One cluster. The cloud writes what it is to be; the cluster's role what has become of it; the
    agent has a virtual node for each of its subnets.
    """

    id: str
    """As the cloud's container service names them, `cls-…`."""
    name: str
    vpc_id: str
    subnet_ids: tuple[str, ...]
    created_at: str
    """RFC 3339, UTC."""
    own: bool = True
    """Whether it is the one that the installation begins with, and that stays as long as it does."""
    version: str = "1.33.0"
    """The Kubernetes that was asked for; the API served is the same for all."""
    description: str = ""
    service_subnet_id: str = ""
    delete_disks: bool = False
    core_dns: bool = True
    tags: dict[str, str] = {}
    pools: tuple[NodePool, ...] = ()
    draining: tuple[str, ...] = ()
    """Subnets whose node is to be rid of its pods."""
    status: ClusterStatus = ClusterStatus.INITIALIZING
    port: int = 0
    """On which port of its host the API listens; 0 until it does."""
    ready: tuple[str, ...] = ()
    """Subnets whose node is ready for pods."""

    def is_called(self, cluster_id: str) -> bool:
        """Whether it is the cluster of this id; without one, the installation's own is meant."""
        return self.id == cluster_id if cluster_id else self.own

    def groups_in(self, subnet_id: str) -> tuple[str, ...]:
        """The security groups of pods on the node of a subnet that name none themselves."""
        pools = (pool for pool in self.pools if subnet_id in pool.subnet_ids)
        return next((pool.security_group_ids for pool in pools), ())
