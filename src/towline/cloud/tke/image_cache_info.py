"""An image cache as the API shows it."""

from __future__ import annotations

from towline.cloud.action import Answer, Parameters
from towline.cloud.tag import Tag, shown
from towline.resource.image_cache import ImageCache


class ImageRegistryCredential(Parameters, frozen=True, kw_only=True):
    """A login of a registry, as it is given and, without its password, as it is told."""

    server: str = ""
    username: str = ""
    password: str = ""
    name: str = ""


class ImageCacheEvent(Answer, frozen=True, kw_only=True):
    """Something that happened while a cache was made."""

    image_cache_id: str
    type: str
    reason: str
    message: str
    first_timestamp: str
    last_timestamp: str


class ImageCacheInfo(Answer, frozen=True, kw_only=True):
    """One cache."""

    image_cache_id: str
    image_cache_name: str
    image_cache_size: int
    images: tuple[str, ...]
    creation_time: str
    expire_date_time: str
    events: tuple[ImageCacheEvent, ...]
    last_matched_time: str
    snapshot_id: str
    status: str
    retention_days: int
    image_registry_credentials: tuple[ImageRegistryCredential, ...]
    tags: tuple[Tag, ...]
    image_cache_type: str = "manual"
    snapshotter: str = "overlay"


def info(cache: ImageCache) -> ImageCacheInfo:
    """What is told of a cache; passwords are not."""
    return ImageCacheInfo(
        image_cache_id=cache.id,
        image_cache_name=cache.name,
        image_cache_size=cache.size,
        images=cache.images,
        creation_time=_time(cache.created_at),
        expire_date_time=_time(cache.expires_at),
        events=_events(cache),
        last_matched_time=_time(cache.last_matched_at),
        snapshot_id=cache.snapshot_id,
        status=cache.status.value,
        retention_days=cache.retention_days,
        image_registry_credentials=tuple(
            ImageRegistryCredential(server=one.server, username=one.username, name=one.name)
            for one in cache.logins
        ),
        tags=shown(cache.tags),
    )


def _events(cache: ImageCache) -> tuple[ImageCacheEvent, ...]:
    return tuple(
        ImageCacheEvent(
            image_cache_id=cache.id,
            type=event.type,
            reason=event.reason,
            message=event.message,
            first_timestamp=_time(event.at),
            last_timestamp=_time(event.at),
        )
        for event in cache.events
    )


def _time(stored: str) -> str:
    """As this product writes times: `2021-12-06 22:52:24`."""
    return stored.replace("T", " ").removesuffix("Z")
