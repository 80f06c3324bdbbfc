"""Serverless clusters: asked for, found, changed, reached, and gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.clouds import NOW, open_context, refused
from tests.clusters import AUTHORITY, PORT, TOKEN, asked_for, call, cluster_of, obey, the
from tests.vpc_calls import call as call_network
from tests.vpc_calls import subnet_of, vpc_of

from towline.cloud.context import Context
from towline.cloud.founding import found
from towline.resource.cluster import ClusterStatus


async def shown(context: Context, cluster_id: str) -> dict[str, Any]:
    """One cluster as the API shows it."""
    (only,) = (await call(context, "DescribeEKSClusters", ClusterIds=[cluster_id]))["Clusters"]
    return dict(only)


async def test_a_cluster_is_initializing_until_its_api_is_served(tmp_path: Path) -> None:
    """And what was asked for is echoed, with nothing null that Terraform reads."""
    async with open_context(tmp_path) as context:
        tags = [{"ResourceType": "cluster", "Tags": [{"Key": "team", "Value": "web"}]}]
        more: dict[str, Any] = {"ClusterDesc": "for the shop", "TagSpecification": tags}
        cluster_id = await asked_for(context, K8SVersion="1.20.6-eks.2", **more)
        first = await shown(context, cluster_id)
        with refused("ResourceUnavailable.ClusterState"):
            await call(context, "DescribeEKSClusterCredential", ClusterId=cluster_id)
        await obey(context.settings.clusters, context.resources)
        second = await shown(context, cluster_id)

    assert (first["Status"], second["Status"]) == ("Initializing", "Running")
    assert second | {"Status": ""} == first | {"Status": ""}
    assert first["K8SVersion"] == "1.20.6-eks.2"
    assert first["TagSpecification"] == tags
    assert None not in first.values()


async def test_what_a_cluster_cannot_be_is_refused(tmp_path: Path) -> None:
    """And nothing is made, not even counted."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        subnet_id = await subnet_of(context, vpc_id)
        right = {
            "K8SVersion": "1.30.0",
            "VpcId": vpc_id,
            "ClusterName": "shop",
            "SubnetIds": [subnet_id],
        }
        dns = [{"Domain": "corp.example", "DnsServers": ["10.0.0.9:53"]}]
        for wrong, code in (
            ({"K8SVersion": "newest"}, "InvalidParameter"),
            ({"K8SVersion": "1.9.1"}, "InvalidParameter"),
            ({"VpcId": "vpc-00000000"}, "ResourceNotFound"),
            ({"SubnetIds": ["subnet-00000000"]}, "InvalidParameter.SubnetNotExist"),
            ({"SubnetIds": []}, "InvalidParameter"),
            ({"ServiceSubnetId": "subnet-00000000"}, "InvalidParameter.SubnetNotExist"),
            ({"ClusterName": ""}, "InvalidParameter"),
            ({"ClusterDesc": "x" * 513}, "InvalidParameter"),
            ({"DnsServers": dns}, "UnsupportedOperation"),
            ({"SubnetInfos": [{"SecurityGroups": ["sg-1"]}]}, "UnsupportedOperation"),
        ):
            with refused(code):
                await call(context, "CreateEKSCluster", **{**right, **wrong})

        assert context.resources.clusters.list() == ()
        assert context.resources.quotas.get("", "clusters") is None


async def test_a_region_has_five_clusters(tmp_path: Path) -> None:
    """The sixth is refused, until one is gone."""
    async with open_context(tmp_path) as context:
        vpc_id = await vpc_of(context)
        subnet_id = await subnet_of(context, vpc_id)
        asked = {"K8SVersion": "1.30", "VpcId": vpc_id, "SubnetIds": [subnet_id]}
        made = [
            await call(context, "CreateEKSCluster", ClusterName=f"c{number}", **asked)
            for number in range(5)
        ]
        with refused("LimitExceeded"):
            await call(context, "CreateEKSCluster", ClusterName="c5", **asked)
        await call(context, "DeleteEKSCluster", ClusterId=made[-1]["ClusterId"])
        await obey(context.settings.clusters, context.resources)
        await call(context, "CreateEKSCluster", ClusterName="c5", **asked)
        named = [{"Name": "ClusterName", "Values": ["c1", "c5"]}]
        listed = await call(context, "DescribeEKSClusters", Filters=named, Limit=1, Offset=1)

    assert listed["TotalCount"] == 2
    assert [one["ClusterName"] for one in listed["Clusters"]] == ["c5"]


async def test_a_network_stays_as_long_as_its_cluster(tmp_path: Path) -> None:
    """Until it is really gone, not only told to go."""
    async with open_context(tmp_path) as context:
        cluster_id = await cluster_of(context)
        cluster = the(context, cluster_id)
        (subnet_id,) = cluster.subnet_ids
        with refused("ResourceInUse"):
            await call_network(context, "DeleteSubnet", SubnetId=subnet_id)
        for _ in range(2):
            await call(context, "DeleteEKSCluster", ClusterId=cluster_id)
        with refused("ResourceInUse"):
            await call_network(context, "DeleteSubnet", SubnetId=subnet_id)
        going = (await shown(context, cluster_id))["Status"]
        await obey(context.settings.clusters, context.resources)
        listed = await call(context, "DescribeEKSClusters", ClusterIds=[cluster_id])
        await call_network(context, "DeleteSubnet", SubnetId=subnet_id)
        with refused("ResourceNotFound.ClusterNotFound"):
            await call(context, "DeleteEKSCluster", ClusterId=cluster_id)

    assert (going, listed["TotalCount"], listed["Clusters"]) == ("Terminating", 0, [])


async def test_the_installations_own_cluster_stays(tmp_path: Path) -> None:
    """It is there from the beginning, and as long as the installation is."""
    async with open_context(tmp_path) as context:
        await found(context.resources, context.settings.region, lambda: NOW)
        (own,) = context.resources.clusters.list()
        with refused("UnsupportedOperation"):
            await call(context, "DeleteEKSCluster", ClusterId=own.id)

        assert the(context, own.id) == own


async def test_a_cluster_is_changed_while_it_runs(tmp_path: Path) -> None:
    """What is not given stays; what cannot be is refused."""
    async with open_context(tmp_path) as context:
        cluster_id = await cluster_of(context)
        before = the(context, cluster_id)
        more = await subnet_of(context, before.vpc_id, "10.0.2.0/24")
        both = [*before.subnet_ids, more]
        await call(context, "UpdateEKSCluster", ClusterId=cluster_id, SubnetIds=both)
        await call(
            context,
            "UpdateEKSCluster",
            ClusterId=cluster_id,
            ClusterName="store",
            NeedDeleteCbs=True,
            PublicLB={"Enabled": True},
        )
        for wrong, code in (
            ({"SubnetIds": []}, "InvalidParameter"),
            ({"SubnetIds": [more, more[:-1]]}, "InvalidParameter.SubnetNotExist"),
            ({"ClusterName": ""}, "InvalidParameter"),
            ({"PublicLB": {"Enabled": False}}, "UnsupportedOperation"),
            ({"InternalLB": {"Enabled": True}}, "UnsupportedOperation"),
        ):
            with refused(code):
                await call(context, "UpdateEKSCluster", ClusterId=cluster_id, **wrong)
        after = the(context, cluster_id)
        with refused("ResourceInUse"):
            await call_network(context, "DeleteSubnet", SubnetId=more)
        await call(context, "DeleteEKSCluster", ClusterId=cluster_id)
        with refused("ResourceUnavailable.ClusterState"):
            await call(context, "UpdateEKSCluster", ClusterId=cluster_id, ClusterName="late")

    assert (after.name, after.delete_disks) == ("store", True)
    assert after.subnet_ids == after.pools[0].subnet_ids == tuple(both)
    assert after.version == before.version
    assert after.status is ClusterStatus.RUNNING


async def test_the_credential_says_how_the_api_is_reached(tmp_path: Path) -> None:
    """The address, the authority, the token, and all three in a kubeconfig."""
    async with open_context(tmp_path) as context:
        cluster_id = await cluster_of(context)
        told = await call(context, "DescribeEKSClusterCredential", ClusterId=cluster_id)
        kubeconfig = await call(context, "DescribeClusterKubeconfig", ClusterId=cluster_id)

    assert told["Addresses"] == [{"Type": "Public", "Ip": "127.0.0.1", "Port": PORT}]
    assert told["Credential"] == {"CACert": AUTHORITY.decode(), "Token": TOKEN}
    assert (told["PublicLB"]["Enabled"], told["InternalLB"]["Enabled"]) == (True, False)
    assert told["Kubeconfig"] == kubeconfig["Kubeconfig"]
    assert cluster_id in told["Kubeconfig"]


@pytest.mark.parametrize("action", ["UpdateEKSCluster", "DescribeEKSClusterCredential"])
async def test_a_cluster_that_is_not_there_is_not_found(tmp_path: Path, action: str) -> None:
    """By nobody who needs it."""
    async with open_context(tmp_path) as context:
        with refused("ResourceNotFound.ClusterNotFound"):
            await call(context, action, ClusterId="cls-00000000")
