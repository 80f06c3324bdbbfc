"""Calls of the container service's product, and a cluster's role that does at once what is asked."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import msgspec
from tests.vpc_calls import subnet_of, vpc_of

from towline.cloud.context import Context, Resources
from towline.cloud.parse import convert
from towline.cloud.tke.product import ACTIONS
from towline.installation.kubeconfig import render
from towline.resource.addon import Addon, AddonPhase
from towline.resource.cluster import Cluster, ClusterStatus

PORT, TOKEN, AUTHORITY = 6444, "the-token", b"-----BEGIN CERTIFICATE-----\n"


async def call(context: Context, action: str, **parameters: Any) -> Any:
    """The fields of the answer, as clients read them; raises the refusal."""
    wanted = ACTIONS[action]
    answer = await wanted.run(context, convert(parameters, wanted.parameters, strict=True))
    return json.loads(msgspec.json.encode(answer))


async def cluster_of(context: Context, name: str = "shop", **more: Any) -> str:
    """A VPC with a subnet, and a cluster in it that runs."""
    made = await asked_for(context, name, **more)
    await obey(context.settings.clusters, context.resources)
    return made


async def asked_for(context: Context, name: str = "shop", **more: Any) -> str:
    """The same, but nobody has done anything about it yet."""
    vpc_id = await vpc_of(context)
    subnet_id = await subnet_of(context, vpc_id)
    asked = {"K8SVersion": "1.30.0", "VpcId": vpc_id, "SubnetIds": [subnet_id], **more}
    made = await call(context, "CreateEKSCluster", ClusterName=name, **asked)
    return str(made["ClusterId"])


def the(context: Context, cluster_id: str) -> Cluster:
    """The record of a cluster."""
    cluster = context.resources.clusters.get("", cluster_id)
    assert cluster is not None
    return cluster


def values(*entries: dict[str, str]) -> str:
    """`RawValues` of the registry add-on."""
    text = json.dumps({"global": {"imagePullSecretsCrs": list(entries)}})
    return base64.b64encode(text.encode()).decode()


async def obedient_host(folder: Path, resources: Resources) -> None:
    """Whatever is asked of clusters is done, until cancelled."""
    async for _ in resources.clusters.follow():
        await obey(folder, resources)


async def obedient_installer(folder: Path, resources: Resources) -> None:
    """Whatever is asked of add-ons is done, until cancelled."""
    async for _ in resources.addons.follow():
        await obey(folder, resources)


async def obey(folder: Path, resources: Resources) -> None:
    """Do what the cluster's role would, once."""
    for cluster in resources.clusters.list():
        for addon in resources.addons.list(cluster.id):
            if addon.phase is AddonPhase.TERMINATING:
                await resources.addons.delete(cluster.id, addon.name)
            else:
                await resources.addons.update(cluster.id, addon.name, _installed)
        if cluster.status is ClusterStatus.TERMINATING:
            await resources.clusters.delete("", cluster.id)
            continue
        if cluster.status is ClusterStatus.INITIALIZING:
            (folder / cluster.id).mkdir(parents=True, exist_ok=True)
            server = f"https://127.0.0.1:{PORT}"
            kubeconfig = render(server, AUTHORITY, TOKEN, "admin", cluster.id)
            (folder / cluster.id / "kubeconfig").write_bytes(kubeconfig)
        await resources.clusters.update("", cluster.id, _running)


def _installed(held: Addon) -> Addon:
    return msgspec.structs.replace(held, phase=AddonPhase.SUCCEEDED)


def _running(held: Cluster) -> Cluster:
    return msgspec.structs.replace(
        held, status=ClusterStatus.RUNNING, port=PORT, ready=held.subnet_ids, draining=()
    )
