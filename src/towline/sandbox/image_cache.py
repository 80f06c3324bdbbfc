"""Image caches as the sandbox sees them: whose layers stay, and which one serves a pod.

All that is known of a cache is in the records, so that its layers stay however often the agent ends.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

import msgspec

from towline.oci.digest import Digest
from towline.pull.image_cache import CacheMatch, match
from towline.resource import kind
from towline.resource.image_cache import ImageCache
from towline.store.collection import Collection
from towline.store.error import NotFound
from towline.store.store import Store

_PREFIX = "imc-"


class Caches(Protocol):
    """What pods' images need of the image caches."""

    def leased(self) -> frozenset[Digest]:
        """The layers that may not be removed."""
        ...

    async def serve(self, wish: str, images: tuple[str, ...]) -> CacheMatch | None:
        """What a pod gets that says `wish`; see `towline.pull.image_cache.match`."""
        ...


class NoCaches:
    """Where there are no records, there are no caches."""

    def leased(self) -> frozenset[Digest]:
        """See `Caches`."""
        return frozenset()

    async def serve(self, wish: str, images: tuple[str, ...]) -> CacheMatch | None:
        """See `Caches`."""
        return match(wish, images, (), "")


class ImageCaches:
    """The caches in a store."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self.store = store
        self._clock = clock
        self._records = Collection(store, kind.IMAGE_CACHE, ImageCache)
        self._fetched = dict[str, frozenset[Digest]]()
        """What caches have got that are being made, by id."""

    def now(self) -> str:
        """RFC 3339, UTC, whole seconds."""
        return f"{self._clock().astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"

    def all(self) -> tuple[ImageCache, ...]:
        """All of them, the oldest first."""
        return self._records.by_age()

    def hold(self, cache_id: str, layers: frozenset[Digest]) -> None:
        """Keep layers until the record of their cache says so itself."""
        self._fetched[cache_id] = self._fetched.get(cache_id, frozenset()) | layers

    def let_go(self, cache_id: str) -> None:
        """From here on, the record decides."""
        self._fetched.pop(cache_id, None)

    def leased(self) -> frozenset[Digest]:
        """See `Caches`."""
        held = {layer for cache in self.all() for image in cache.held for layer in image.layers}
        return frozenset(map(Digest.parse, held)).union(*self._fetched.values())

    async def serve(self, wish: str, images: tuple[str, ...]) -> CacheMatch | None:
        """See `Caches`; the cache notes that it was wanted."""
        found = match(wish, images, self.all(), self.now()) if wish else None
        if found is not None and found.found:
            await self.change(found.cache_id, last_matched_at=self.now())
        return found

    async def change(self, cache_id: str, **fields: object) -> None:
        """Write what has become of a cache; nothing happens when it is gone."""
        await self.alter(cache_id, lambda held: msgspec.structs.replace(held, **fields))

    async def alter(self, cache_id: str, change: Callable[[ImageCache], ImageCache]) -> None:
        """Write what `change` makes of a cache; nothing happens when it is gone."""
        try:
            await self._records.update("", cache_id, change)
        except NotFound:
            return

    async def remove(self, cache_id: str) -> None:
        """Remove a cache, if it is still there."""
        try:
            await self._records.delete("", cache_id)
        except NotFound:
            return


def is_of_cache(uid: str) -> bool:
    """Whether a namespace is that in which a cache's images are fetched, and not a pod's."""
    return uid.startswith(_PREFIX)
