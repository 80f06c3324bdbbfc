"""UpdateImageCache: what a cache is to be from now on.

Other images, credentials or security groups have it made again; so has any change of one that could
not be made. Until it is `Ready` again it serves nobody, and keeps the layers that it had.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from towline.cloud.action import Action, AnyAction, Done, Parameters
from towline.cloud.context import Context
from towline.cloud.refusal import Refusal
from towline.cloud.tag import Tag, checked
from towline.cloud.tke.image_cache import (
    checked_groups,
    checked_images,
    checked_name,
    checked_size,
    expiry,
    logins,
    the_cache,
)
from towline.cloud.tke.image_cache_info import ImageRegistryCredential
from towline.cloud.transaction import Decision, settle
from towline.resource.image_cache import CacheStatus, ImageCache

_FAILED = frozenset({CacheStatus.FAILED, CacheStatus.UPDATE_FAILED})


class UpdateImageCache(Parameters, frozen=True, kw_only=True):
    """What is to be otherwise; what is not given stays."""

    image_cache_id: str
    image_cache_name: str = ""
    image_registry_credentials: tuple[ImageRegistryCredential, ...] | None = None
    images: tuple[str, ...] | None = None
    image_cache_size: int | None = None
    retention_days: int | None = None
    security_group_ids: tuple[str, ...] | None = None
    tags: tuple[Tag, ...] | None = None


async def update_image_cache(context: Context, asked: UpdateImageCache) -> Done:
    """Write down what the cache is to be; the agent sees to it."""
    caches = context.resources.image_caches

    def decide() -> Decision[Done]:
        held = the_cache(context, asked.image_cache_id)
        wanted = _made_again(held, _changed(context, held, asked))
        if wanted == held:
            return Decision([], Done())
        return Decision([caches.substitution("", held.id, wanted)], Done())

    return await settle(caches.store, decide)


ACTIONS: Mapping[str, AnyAction] = {
    "UpdateImageCache": Action(UpdateImageCache, update_image_cache),
}


def _changed(context: Context, held: ImageCache, asked: UpdateImageCache) -> ImageCache:
    days = held.retention_days if asked.retention_days is None else asked.retention_days
    given = asked.image_registry_credentials
    groups = asked.security_group_ids
    around = held.surroundings
    if groups is not None:
        checked_groups(context.resources, groups)
        around = msgspec.structs.replace(around, security_group_ids=groups)
    return msgspec.structs.replace(
        held,
        name=checked_name(asked.image_cache_name) or held.name,
        images=held.images if asked.images is None else checked_images(asked.images),
        logins=held.logins if given is None else logins(given),
        size=_grown(held.size, asked.image_cache_size),
        retention_days=days,
        expires_at=expiry(held.created_at, days),
        surroundings=around,
        tags=held.tags if asked.tags is None else checked(asked.tags),
    )


def _made_again(held: ImageCache, wanted: ImageCache) -> ImageCache:
    """The wanted cache, with its status."""
    same = (held.images, held.logins, held.surroundings) == (
        wanted.images,
        wanted.logins,
        wanted.surroundings,
    )
    if same and held.status not in _FAILED:
        return wanted
    # One that was never made is still being created, in the cloud's words.
    status = CacheStatus.PENDING if held.status is CacheStatus.PENDING else CacheStatus.UPDATING
    return msgspec.structs.replace(wanted, status=status, version=held.version + 1)


def _grown(size: int, asked: int | None) -> int:
    if asked is None:
        return size
    if asked < size:
        raise Refusal("InvalidParameter", f"A cache of {size} GiB does not become smaller.")
    return checked_size(asked)
