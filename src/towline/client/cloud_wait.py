"""Waiting for what the cloud only promised: a running instance, a link with an address, a way, an end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from towline.client.cloud_registry import Registries
from towline.client.cloud_view import InstanceView, LinkView
from towline.problem import Problem

_PAUSE = 0.1  # seconds between two questions

T = TypeVar("T")


async def until_running(registries: Registries, registry_id: str, seconds: float) -> InstanceView:
    """The instance once its status is Running."""

    async def running() -> InstanceView | None:
        instance = await registries.find(registry_id)
        return instance if instance is not None and instance.status == "Running" else None

    return await until(running, seconds, f"the instance {registry_id} is not Running")


async def until_gone(registries: Registries, registry_id: str, seconds: float) -> None:
    """Return once the instance no longer exists."""

    async def gone() -> bool | None:
        return True if await registries.find(registry_id) is None else None

    await until(gone, seconds, f"the instance {registry_id} is still being deleted")


async def until_linked(
    registries: Registries, instance: InstanceView, vpc_id: str, seconds: float
) -> LinkView:
    """The link once it runs and has an access address."""

    async def linked() -> LinkView | None:
        for link in await registries.links(instance):
            if link.vpc_id == vpc_id and link.status == "Running" and link.access_ip:
                return link
        return None

    return await until(linked, seconds, f"the link to {vpc_id} has no access IP")


async def until_unlinked(
    registries: Registries, instance: InstanceView, vpc_id: str, seconds: float
) -> None:
    """Return once the link no longer exists."""

    async def unlinked() -> bool | None:
        links = await registries.links(instance)
        return None if any(link.vpc_id == vpc_id for link in links) else True

    await until(unlinked, seconds, f"the link to {vpc_id} is still being deleted")


async def until(ask: Callable[[], Awaitable[T | None]], seconds: float, otherwise: str) -> T:
    """What `ask` answers once it is not None; a `Problem` that says `otherwise` when it never is."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                answer = await ask()
                if answer is not None:
                    return answer
                await asyncio.sleep(_PAUSE)
    except TimeoutError:
        raise Problem(
            "cloud-too-slow",
            cause=f"{otherwise} after {seconds:g} s",
            remedy="see `towline status` and the logs of the agent and the registry",
        ) from None
