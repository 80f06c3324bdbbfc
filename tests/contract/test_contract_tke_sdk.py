"""The container service, driven by the official SDK: every action of it, in the order of use.

The SDK is Tencent's own, from PyPI; what it does not know of an answer is a warning, and so a failure.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.clouds import serving
from tests.clusters import values
from tests.tencent_clients import Client, RefusedError, by_sdk
from tests.vpc_calls import ZONE

from towline.cloud.tke.product import ACTIONS


async def subnet(vpc: Client, vpc_id: str, cidr: str) -> str:
    """A new subnet of a VPC."""
    asked = {"VpcId": vpc_id, "SubnetName": "s", "Zone": ZONE, "CidrBlock": cidr}
    return str((await vpc("CreateSubnet", **asked))["Subnet"]["SubnetId"])


async def running(tke: Client, vpc_id: str, subnet_id: str) -> str:
    """A cluster, polled as users and Terraform do."""
    asked = {"VpcId": vpc_id, "SubnetIds": [subnet_id], "ClusterName": "shop"}
    made = await tke("CreateEKSCluster", K8SVersion="1.30.0", **asked)
    id_ = str(made["ClusterId"])
    await tke.until(
        "DescribeEKSClusters",
        lambda told: told["Clusters"][0]["Status"] == "Running",
        ClusterIds=[id_],
    )
    return id_


async def nodes(tke: Client, cluster_id: str, subnet_id: str) -> None:
    """A pool with a node, renamed, drained and deleted."""
    this: dict[str, Any] = {"ClusterId": cluster_id}
    made = await tke(
        "CreateClusterVirtualNodePool",
        **this,
        Name="batch",
        SubnetIds=[subnet_id],
        SecurityGroupIds=[],
    )
    pool = {"NodePoolId": made["NodePoolId"]}
    await tke("ModifyClusterVirtualNodePool", **this, **pool, Name="nightly")
    pools = await tke("DescribeClusterVirtualNodePools", **this)
    (node,) = (await tke("DescribeClusterVirtualNode", **this, **pool))["Nodes"]
    await tke("DrainClusterVirtualNode", **this, NodeName=node["Name"])
    await tke("DeleteClusterVirtualNode", **this, NodeNames=[node["Name"]], Force=True)
    again = await tke("CreateClusterVirtualNode", **this, **pool, SubnetId=subnet_id)
    await tke("DeleteClusterVirtualNodePool", **this, NodePoolIds=[pool["NodePoolId"]], Force=True)
    assert again["NodeName"] == node["Name"] == f"eklet-{subnet_id}"
    assert [one["Name"] for one in pools["NodePoolSet"]] == ["default", "nightly"]


async def addon(tke: Client, cluster_id: str, domain: str) -> None:
    """The registry add-on, installed, changed and deleted."""
    this = {"ClusterId": cluster_id, "AddonName": "tcr"}
    await tke("InstallAddon", **this)
    await tke("UpdateAddon", **this, RawValues=values({"dockerServer": domain}))
    told = await tke.until(
        "DescribeAddon", lambda told: told["Addons"][0]["Phase"] == "Succeeded", **this
    )
    shown = await tke("DescribeAddonValues", **this)
    await tke("DeleteAddon", **this)
    await tke.until("DescribeAddon", lambda told: told["Addons"] == [], ClusterId=cluster_id)
    assert told["Addons"][0]["RawValues"] == values({"dockerServer": domain})
    assert domain in shown["Values"]


async def image_cache(tke: Client, vpc_id: str, subnet_id: str) -> None:
    """A cache, fetched by an agent that does so at once, found, changed and deleted."""
    image = "demo.tencentcloudcr.com/team/app:1"
    login = {"Server": "demo.tencentcloudcr.com", "Username": "u", "Password": "p"}
    made = await tke(
        "CreateImageCache",
        VpcId=vpc_id,
        SubnetId=subnet_id,
        Images=[image],
        ImageCacheName="app",
        ImageRegistryCredentials=[login],
        RegistryHttpEndPointList=["demo.tencentcloudcr.com"],
        AutoCreateEipAttribute={"DeletePolicy": "", "InternetMaxBandwidthOut": 5},
    )
    this = {"ImageCacheId": made["ImageCacheId"]}
    await tke.until(
        "DescribeImageCaches",
        lambda told: told["ImageCaches"][0]["Status"] == "Ready",
        ImageCacheIds=[made["ImageCacheId"]],
    )
    best = await tke("GetMostSuitableImageCache", Images=[image], Snapshotter="overlay")
    await tke("UpdateImageCache", **this, ImageCacheName="better", RetentionDays=3)
    shown = await tke("DescribeImageCaches", ImageCacheNames=["better"], Limit=50)
    await tke("DeleteImageCaches", ImageCacheIds=[made["ImageCacheId"]])
    none = await tke("GetMostSuitableImageCache", Images=[image])
    assert best["ImageCache"]["ImageCacheId"] == made["ImageCacheId"]
    assert shown["ImageCaches"][0]["RetentionDays"] == 3
    assert not none["Found"]


async def test_a_cluster_lives_its_whole_life_by_the_sdk(tmp_path: Path) -> None:
    """Made, reached, given nodes and credentials, renamed, and gone: an empty list at the end."""
    async with serving(tmp_path) as cloud:
        tke = Client(by_sdk(cloud, "tke", "v20180525"))
        vpc = Client(by_sdk(cloud, "vpc", "v20170312"))
        tcr = Client(by_sdk(cloud, "tcr", "v20190924"))
        made = await vpc("CreateVpc", VpcName="v", CidrBlock="10.0.0.0/16")
        vpc_id = str(made["Vpc"]["VpcId"])
        first = await subnet(vpc, vpc_id, "10.0.1.0/24")
        second = await subnet(vpc, vpc_id, "10.0.2.0/24")
        await tcr("CreateInstance", RegistryName="demo", RegistryType="basic")
        cluster_id = await running(tke, vpc_id, first)
        this = {"ClusterId": cluster_id}
        reached = await tke("DescribeEKSClusterCredential", **this)
        kubeconfig = await tke("DescribeClusterKubeconfig", **this)
        await nodes(tke, cluster_id, second)
        await addon(tke, cluster_id, "demo.tencentcloudcr.com")
        await image_cache(tke, vpc_id, first)
        await tke("UpdateEKSCluster", **this, ClusterName="store", SubnetIds=[first, second])
        with pytest.raises(RefusedError, match="ResourceInUse"):
            await vpc("DeleteSubnet", SubnetId=second)
        await tke("DeleteEKSCluster", **this)
        await tke.until(
            "DescribeEKSClusters", lambda told: told["TotalCount"] == 0, ClusterIds=[cluster_id]
        )
        for one in (first, second):
            await vpc("DeleteSubnet", SubnetId=one)
        await vpc("DeleteVpc", VpcId=vpc_id)

    assert reached["Kubeconfig"] == kubeconfig["Kubeconfig"]
    assert reached["PublicLB"]["Enabled"]
    assert tke.used == set(ACTIONS)
