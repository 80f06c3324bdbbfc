"""Serverless clusters, through the cloud's API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from towline.client.choice import Choice
from towline.client.cloud import CloudClient
from towline.client.cloud_view import SubnetView, view
from towline.client.cloud_wait import until
from towline.client.cluster_view import AddonView, ClusterView, NodeView, ReachView

VERSION = "1.33.0"
"""The Kubernetes that clusters are asked for as; the API of all of them speaks it."""
_MANY = 100
_SEE = "see `towline cluster list`"
_CHOICE: Choice[ClusterView] = Choice(
    "cluster",
    lambda cluster: cluster.cluster_id,
    lambda cluster: cluster.cluster_name,
    f"name one by its id; {_SEE}",
    "create one with `towline cluster create`",
)


class Clusters:
    """The `tke` product, in the words of the CLI: a cluster may be named or given by id."""

    def __init__(self, client: CloudClient) -> None:
        self._client = client

    async def clusters(self) -> list[ClusterView]:
        """All clusters."""
        answer = await self._call("DescribeEKSClusters", {"Limit": _MANY})
        return view(answer["Clusters"], list[ClusterView])

    async def cluster(self, name: str) -> ClusterView:
        """The cluster with this name or id, or the only one when no name is given."""
        return _CHOICE.of(await self.clusters(), name)

    async def find(self, cluster_id: str) -> ClusterView | None:
        """The cluster with this id, if it is still there."""
        answer = await self._call("DescribeEKSClusters", {"ClusterIds": [cluster_id]})
        found = view(answer["Clusters"], list[ClusterView])
        return found[0] if found else None

    async def create(self, name: str, subnets: list[SubnetView]) -> str:
        """Ask for a cluster whose pods are in these subnets of one VPC; answers its id."""
        asked = {
            "K8SVersion": VERSION,
            "VpcId": subnets[0].vpc_id,
            "ClusterName": name,
            "SubnetIds": [one.subnet_id for one in subnets],
        }
        return str((await self._call("CreateEKSCluster", asked))["ClusterId"])

    async def delete(self, cluster: ClusterView) -> None:
        """Ask for the removal of a cluster."""
        await self._call("DeleteEKSCluster", {"ClusterId": cluster.cluster_id})

    async def reach(self, cluster: ClusterView) -> ReachView:
        """Where a running cluster's API is, with a kubeconfig for it."""
        asked = {"ClusterId": cluster.cluster_id}
        return view(await self._call("DescribeEKSClusterCredential", asked), ReachView)

    async def reach_if_running(self, cluster: ClusterView) -> ReachView | None:
        """The same; None while the cluster is on its way."""
        return await self.reach(cluster) if cluster.status == "Running" else None

    async def nodes(self, cluster: ClusterView) -> list[NodeView]:
        """The virtual nodes of a cluster."""
        asked = {"ClusterId": cluster.cluster_id}
        answer = await self._call("DescribeClusterVirtualNode", asked)
        return view(answer["Nodes"], list[NodeView])

    async def addons(self, cluster: ClusterView) -> list[AddonView]:
        """The add-ons of a cluster."""
        asked = {"ClusterId": cluster.cluster_id}
        answer = await self._call("DescribeAddon", asked)
        return view(answer["Addons"], list[AddonView])

    async def until_running(self, cluster_id: str, seconds: float) -> ClusterView:
        """The cluster once its status is Running."""

        async def running() -> ClusterView | None:
            cluster = await self.find(cluster_id)
            return cluster if cluster is not None and cluster.status == "Running" else None

        return await until(running, seconds, f"the cluster {cluster_id} is not Running")

    async def until_gone(self, cluster_id: str, seconds: float) -> None:
        """Return once the cluster no longer exists."""

        async def gone() -> bool | None:
            return True if await self.find(cluster_id) is None else None

        await until(gone, seconds, f"the cluster {cluster_id} is still being deleted")

    async def _call(self, action: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return await self._client.call("tke", "2018-05-25", action, params)
