"""The clusters of an installation and where their APIs are, for who wants to be told at once."""

from __future__ import annotations

import asyncio

import msgspec

from towline.client.cloud_access import open_cloud
from towline.client.cloud_cluster import Clusters
from towline.problem import Problem

_DEADLINE = 2.0  # seconds


class ClusterRow(msgspec.Struct, frozen=True, kw_only=True):
    """One cluster."""

    name: str
    id: str
    status: str
    kubernetes: str
    """The URL of its API; empty while it is on its way."""


async def cluster_rows() -> list[ClusterRow]:
    """All clusters; none when the cloud does not answer in time."""
    try:
        async with asyncio.timeout(_DEADLINE):
            cloud = Clusters(open_cloud())
            reached = [(one, await cloud.reach_if_running(one)) for one in await cloud.clusters()]
    except (Problem, TimeoutError):
        return []
    return [
        ClusterRow(
            name=one.cluster_name,
            id=one.cluster_id,
            status=one.status,
            kubernetes=reach.server if reach else "",
        )
        for one, reach in reached
    ]
