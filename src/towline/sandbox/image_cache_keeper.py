"""Keeps the image caches as their records say: makes new ones, renews those that are to be otherwise
or have lost layers, and removes those whose time is over.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial

from msgspec.structs import replace

from towline.resource import kind
from towline.resource.image_cache import WANTED, CacheStatus, ImageCache
from towline.sandbox.image_cache import ImageCaches, is_of_cache
from towline.sandbox.image_cache_builder import CacheImages, ImageCacheBuilder, layers_of
from towline.sandbox.network.routine import Routine
from towline.sandbox.pod_namespaces import PodNamespaces


@dataclass(frozen=True, slots=True)
class _Job:
    version: int
    task: asyncio.Task[None]


class ImageCacheKeeper:
    """Works for all caches of an installation."""

    def __init__(self, caches: ImageCaches, images: CacheImages, network: PodNamespaces) -> None:
        self._caches = caches
        self._images = images
        self._network = network
        self._builder = ImageCacheBuilder(caches, images, network)
        self._jobs = dict[str, _Job]()

    async def run(self) -> None:
        """Work until cancelled."""
        bell = asyncio.Event()
        bell.set()
        async with asyncio.TaskGroup() as tasks:
            look = partial(self._look, tasks)
            await Routine(self._caches.store, (kind.IMAGE_CACHE,), look, bell).run()

    async def _look(self, tasks: asyncio.TaskGroup) -> None:
        await self._tidy()
        wanted = {cache.id: cache for cache in self._caches.all() if cache.status in WANTED}
        for id_, job in list(self._jobs.items()):
            if id_ not in wanted or wanted[id_].version != job.version:
                await _end(self._jobs.pop(id_).task)
        await self._remove_left(wanted.keys() | self._jobs.keys())
        for id_ in wanted.keys() - self._jobs.keys():
            task = tasks.create_task(self._builder.build(wanted[id_]))
            self._jobs[id_] = _Job(wanted[id_].version, task)

    async def _tidy(self) -> None:
        """Remove what has expired, and have made again what has lost layers."""
        for cache in self._caches.all():
            if cache.has_expired(self._caches.now()):
                await self._caches.remove(cache.id)
            elif cache.status is CacheStatus.READY and self._has_lost(cache):
                await self._caches.alter(cache.id, _again)

    def _has_lost(self, cache: ImageCache) -> bool:
        return self._images.room(layers_of(cache.held)) is None

    async def _remove_left(self, busy: set[str]) -> None:
        """Remove namespaces that an agent left which was killed."""
        for uid in self._network.standing():
            if is_of_cache(uid) and uid not in busy:
                await self._network.detach(uid)


def _again(cache: ImageCache) -> ImageCache:
    if cache.status is not CacheStatus.READY:
        return cache
    return replace(cache, status=CacheStatus.UPDATING, version=cache.version + 1)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
