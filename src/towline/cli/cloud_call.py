"""How a command reaches the cloud; imports wait until it runs, so that `--help` is instant."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from towline.client.cloud_cluster import Clusters
    from towline.client.cloud_gateway import Gateways
    from towline.client.cloud_image_cache import ImageCaches
    from towline.client.cloud_network import Networks
    from towline.client.cloud_public_access import PublicAccess
    from towline.client.cloud_registry import Registries
    from towline.client.cloud_routing import Routing
    from towline.client.cloud_security import SecurityGroups
    from towline.client.cloud_zone import Zones

T = TypeVar("T")


def call(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run what a command does."""
    import asyncio

    return asyncio.run(coroutine)


def registries() -> Registries:
    """Registry instances and what belongs to them."""
    from towline.client.cloud_access import open_cloud
    from towline.client.cloud_registry import Registries

    return Registries(open_cloud())


def networks() -> Networks:
    """VPCs and subnets."""
    from towline.client.cloud_access import open_cloud
    from towline.client.cloud_network import Networks

    return Networks(open_cloud())


def clusters() -> Clusters:
    """Serverless clusters."""
    from towline.client.cloud_access import open_cloud
    from towline.client.cloud_cluster import Clusters

    return Clusters(open_cloud())


def image_caches() -> ImageCaches:
    """Image caches."""
    from towline.client.cloud_access import open_cloud
    from towline.client.cloud_image_cache import ImageCaches

    return ImageCaches(open_cloud())


def routing() -> Routing:
    """Route tables."""
    from towline.client.cloud_access import open_cloud
    from towline.client.cloud_routing import Routing

    return Routing(open_cloud())


def gateways() -> Gateways:
    """NAT gateways and elastic IPs."""
    from towline.client.cloud_access import open_cloud
    from towline.client.cloud_gateway import Gateways

    return Gateways(open_cloud())


def public_access() -> PublicAccess:
    """Public endpoints and allowlists."""
    from towline.client.cloud_access import open_cloud
    from towline.client.cloud_public_access import PublicAccess

    return PublicAccess(open_cloud())


def security_groups() -> SecurityGroups:
    """Security groups and their rules."""
    from towline.client.cloud_access import open_cloud
    from towline.client.cloud_security import SecurityGroups

    return SecurityGroups(open_cloud())


def zones() -> Zones:
    """Private zones and their records."""
    from towline.client.cloud_access import open_cloud
    from towline.client.cloud_zone import Zones

    return Zones(open_cloud())
