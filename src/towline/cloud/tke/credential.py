"""How a cluster's API is reached: DescribeEKSClusterCredential, DescribeClusterKubeconfig.

The cluster's role writes a kubeconfig for each cluster; what is told here is what it says.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from towline.cloud.action import Action, Answer, AnyAction, Parameters
from towline.cloud.context import Context
from towline.cloud.refusal import Refusal
from towline.cloud.tke.lookup import running


class DescribeCredential(Parameters, frozen=True, kw_only=True):
    """Whose credential to show."""

    cluster_id: str


class IPAddress(Answer, frozen=True, kw_only=True):
    """Where the API listens."""

    type: str
    ip: str
    port: int


class ClusterCredential(Answer, frozen=True, kw_only=True):
    """With what its users prove themselves, and it itself."""

    ca_cert: str = msgspec.field(name="CACert")
    token: str


class PublicLB(Answer, frozen=True, kw_only=True):
    """Whether the API is reached from outside the VPC: it is, from its own machine."""

    enabled: bool = True
    allow_from_cidrs: tuple[str, ...] = ()
    security_policies: tuple[str, ...] = ()
    extra_param: str = ""
    security_group: str = ""


class InternalLB(Answer, frozen=True, kw_only=True):
    """Whether the API is reached from inside the VPC."""

    enabled: bool = False
    subnet_id: str = ""


class Credential(Answer, frozen=True, kw_only=True):
    """How a cluster is reached."""

    addresses: tuple[IPAddress, ...]
    credential: ClusterCredential
    public_lb: PublicLB = msgspec.field(name="PublicLB")
    internal_lb: InternalLB = msgspec.field(name="InternalLB")
    proxy_lb: bool = msgspec.field(name="ProxyLB", default=False)
    kubeconfig: str


class DescribeKubeconfig(Parameters, frozen=True, kw_only=True):
    """Whose kubeconfig to show."""

    cluster_id: str
    is_extranet: bool = False


class Kubeconfig(Answer, frozen=True, kw_only=True):
    """What kubectl is given."""

    kubeconfig: str


async def describe_credential(context: Context, asked: DescribeCredential) -> Credential:
    """Show where a cluster's API is, and a kubeconfig for it."""
    known = await _read(context, asked.cluster_id)
    where = urlsplit(known.server)
    return Credential(
        addresses=(IPAddress(type="Public", ip=where.hostname or "", port=where.port or 443),),
        credential=ClusterCredential(ca_cert=known.authority, token=known.token),
        public_lb=PublicLB(),
        internal_lb=InternalLB(),
        kubeconfig=known.text,
    )


async def describe_kubeconfig(context: Context, asked: DescribeKubeconfig) -> Kubeconfig:
    """Show a cluster's kubeconfig; there is one for everybody who may reach its address."""
    return Kubeconfig(kubeconfig=(await _read(context, asked.cluster_id)).text)


ACTIONS: Mapping[str, AnyAction] = {
    "DescribeEKSClusterCredential": Action(DescribeCredential, describe_credential),
    "DescribeClusterKubeconfig": Action(DescribeKubeconfig, describe_kubeconfig),
}


@dataclass(frozen=True, slots=True)
class _Known:
    text: str
    server: str
    authority: str
    token: str


async def _read(context: Context, cluster_id: str) -> _Known:
    cluster = running(context.resources, cluster_id)
    path = context.settings.clusters / cluster.id / "kubeconfig"
    try:
        text = await asyncio.to_thread(path.read_text)
    except FileNotFoundError:
        raise Refusal(
            "ResourceUnavailable", f"The cluster {cluster.id} has not said yet how it is reached."
        ) from None
    document: dict[str, Any] = msgspec.json.decode(text)
    cluster_of, user_of = document["clusters"][0]["cluster"], document["users"][0]["user"]
    authority = base64.b64decode(cluster_of["certificate-authority-data"]).decode()
    return _Known(text, cluster_of["server"], authority, user_of["token"])
