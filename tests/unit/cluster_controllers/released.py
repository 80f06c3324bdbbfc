"""Namespaces that ask for a credential, and what is in them, for the tests of its release."""

from __future__ import annotations

from tests.unit.cluster_controllers.cluster import Cluster, make_namespace, settle

from towline.cluster.kubernetes import Object
from towline.cluster.resources import NAMESPACES, SECRETS, SERVICE_ACCOUNTS
from towline.kube.annotations import RELEASE_CREDENTIAL

NAME = "100-tcr-shop-dockercfg"
"""The Secret of the instance `shop`."""


async def open_namespace(held: Cluster, instance: str = "shop", name: str = "team") -> None:
    """Create a namespace as the API does: what is in it, then the hook, then the answer."""
    annotations = {RELEASE_CREDENTIAL: instance} if instance else {}
    await make_namespace(held.kubernetes, name, annotations)
    await held.release.namespace_created(name, annotations)


async def annotate(held: Cluster, instance: str | None, name: str = "team") -> None:
    """Change what a namespace asks for, or let it ask for nothing, and wait until that is done."""
    body = {"metadata": {"annotations": {RELEASE_CREDENTIAL: instance}}}
    await held.kubernetes.patch(NAMESPACES, "", name, body)
    await settle(5)


def secrets_of(held: Cluster) -> dict[str, Object]:
    """All Secrets by name."""
    return {one["metadata"]["name"]: one for one in held.kubernetes.all(SECRETS)}


async def named_in_account(held: Cluster, name: str = "team") -> list[str]:
    """The Secrets that the default account of a namespace names."""
    account = await held.kubernetes.get(SERVICE_ACCOUNTS, name, "default")
    return [one["name"] for one in account.get("imagePullSecrets") or ()]
