"""Image caches, through the cloud's API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from towline.client.choice import Choice
from towline.client.cloud import CloudClient
from towline.client.cloud_view import SubnetView, view
from towline.client.cloud_wait import until
from towline.problem import Problem

_MANY = 50  # as many as the cloud shows at once
_CHANGING = frozenset({"Pending", "Updating"})


class CacheEventView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """Something that happened while a cache was made."""

    type: str
    reason: str
    message: str
    first_timestamp: str


class ImageCacheView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """An image cache."""

    image_cache_id: str
    image_cache_name: str
    image_cache_size: int
    images: list[str]
    creation_time: str
    expire_date_time: str
    events: list[CacheEventView]
    last_matched_time: str
    status: str


_CHOICE: Choice[ImageCacheView] = Choice(
    "image cache",
    lambda cache: cache.image_cache_id,
    lambda cache: cache.image_cache_name,
    "name one by its id; see `towline image-cache list`",
    "create one with `towline image-cache create`",
)


class ImageCaches:
    """The `tke` product's image caches, in the words of the CLI: by name or by id."""

    def __init__(self, client: CloudClient) -> None:
        self._client = client

    async def caches(self) -> list[ImageCacheView]:
        """All image caches."""
        found: list[ImageCacheView] = []
        while True:
            asked = {"Limit": _MANY, "Offset": len(found)}
            answer = await self._call("DescribeImageCaches", asked)
            more = view(answer["ImageCaches"], list[ImageCacheView])
            found += more
            if not more or len(found) >= answer["TotalCount"]:
                return found

    async def cache(self, name: str) -> ImageCacheView:
        """The cache with this name or id."""
        return _CHOICE.of(await self.caches(), name)

    async def create(self, subnet: SubnetView, images: list[str], asked: Mapping[str, Any]) -> str:
        """Ask for a cache that is fetched from a subnet, with whatever else is asked; its id."""
        place = {"VpcId": subnet.vpc_id, "SubnetId": subnet.subnet_id, "Images": images}
        return str((await self._call("CreateImageCache", {**asked, **place}))["ImageCacheId"])

    async def delete(self, cache: ImageCacheView) -> None:
        """Remove a cache."""
        await self._call("DeleteImageCaches", {"ImageCacheIds": [cache.image_cache_id]})

    async def until_ready(self, cache_id: str, seconds: float) -> ImageCacheView:
        """The cache once it is Ready; raises `Problem` when it fails."""

        async def settled() -> ImageCacheView | None:
            cache = await self.cache(cache_id)
            return None if cache.status in _CHANGING else cache

        cache = await until(settled, seconds, f"the image cache {cache_id} is not Ready")
        if cache.status != "Ready":
            said = cache.events[-1].message if cache.events else cache.status
            raise Problem(
                "image-cache-failed",
                cause=f"the image cache {cache.image_cache_name} could not be made: {said}",
                remedy=f"delete it (towline image-cache delete {cache_id}) and make it with what "
                "its pull needs: a credential, a way to the registry, a larger size",
            )
        return cache

    async def _call(self, action: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return await self._client.call("tke", "2018-05-25", action, params)
