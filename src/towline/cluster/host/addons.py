"""Brings a cluster's add-ons, as the cloud wrote them down, into the cluster itself.

One is installed when its work is done for all namespaces that there are: who has waited for that makes
pods which find their credentials.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress

import msgspec

from towline.cluster.controllers import registry_addon
from towline.cluster.kubernetes import ApiError, Kubernetes
from towline.cluster.resources import CONFIG_MAPS
from towline.resource.addon import Addon, AddonPhase
from towline.store.collection import Collection
from towline.store.error import NotFound

Settle = Callable[[], Awaitable[None]]
"""Brings every namespace to what the add-ons say."""


async def keep_addons(
    kubernetes: Kubernetes, addons: Collection[Addon], cluster_id: str, settle: Settle
) -> None:
    """Install, change and remove them as their records ask for it, until cancelled."""
    async for held in addons.follow(cluster_id):
        for addon in held:
            if addon.phase is AddonPhase.TERMINATING:
                await _remove(kubernetes)
                await settle()
                await _strike_out(addons, cluster_id, addon)
            elif addon.phase is not AddonPhase.SUCCEEDED:
                await _install(kubernetes, addon)
                await settle()
                await _tell_installed(addons, cluster_id, addon)


async def _install(kubernetes: Kubernetes, addon: Addon) -> None:
    body = registry_addon.config_map(addon.releases)
    try:
        await kubernetes.create(CONFIG_MAPS, registry_addon.NAMESPACE, body)
    except ApiError as error:
        if error.reason != "AlreadyExists":
            raise
        place = registry_addon.NAMESPACE, registry_addon.NAME
        await kubernetes.patch(CONFIG_MAPS, *place, {"data": body["data"]})


async def _remove(kubernetes: Kubernetes) -> None:
    try:
        await kubernetes.delete(CONFIG_MAPS, registry_addon.NAMESPACE, registry_addon.NAME)
    except ApiError as error:
        if error.code != 404:
            raise


async def _tell_installed(addons: Collection[Addon], cluster_id: str, seen: Addon) -> None:
    """Unless another wish was written meanwhile: then that is met first."""
    done = msgspec.structs.replace(seen, phase=AddonPhase.SUCCEEDED)
    with suppress(NotFound):
        await addons.update(cluster_id, seen.name, lambda held: done if held == seen else held)


async def _strike_out(addons: Collection[Addon], cluster_id: str, seen: Addon) -> None:
    with suppress(NotFound):
        await addons.delete(cluster_id, seen.name)
