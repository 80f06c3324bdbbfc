"""Which image cache serves a pod.

The cloud's order: the same name and version of an image counts, and nothing else of it; of several
caches the smaller one is taken, then the one that was made later. Where a pod has several images,
the cache with most of them comes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from towline.oci.reference import InvalidReference, Reference
from towline.resource.image_cache import CacheStatus, ImageCache

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class CacheMatch:
    """What a pod that asked for an image cache gets."""

    cache_id: str
    found: tuple[str, ...]
    """The pod's images that the cache has."""
    missing: tuple[str, ...]
    """The others."""
    trouble: str = ""
    """Why the cache cannot be used at all."""


def match(
    wish: str, images: Sequence[str], caches: Sequence[ImageCache], now: str
) -> CacheMatch | None:
    """What comes of a pod's `use-image-cache`, with all caches, the oldest first.

    None when the pod does not ask, or leaves it to us and none fits: then nothing is said of it.
    """
    if wish == AUTO:
        best = most_suitable(images, caches, now)
        return None if best is None else _split(best, images)
    if not wish:
        return None
    named = next((cache for cache in caches if cache.id == wish), None)
    if named is None or named.has_expired(now):
        return CacheMatch(wish, (), tuple(images), "does not exist")
    if named.status is not CacheStatus.READY:
        return CacheMatch(wish, (), tuple(images), f"is {named.status}, not Ready")
    return _split(named, images)


def most_suitable(
    images: Sequence[str], caches: Sequence[ImageCache], now: str
) -> ImageCache | None:
    """The first cache in the cloud's order, of those given with the oldest first."""
    wanted = {normal(image) for image in images}
    usable = [
        cache
        for cache in reversed(caches)
        if cache.status is CacheStatus.READY
        and not cache.has_expired(now)
        and wanted & _normal_images(cache)
    ]
    return min(
        usable,
        key=lambda cache: (-len(wanted & _normal_images(cache)), cache.size),
        default=None,
    )


def normal(image: str) -> str:
    """An image by its whole name: `nginx` is `docker.io/library/nginx:latest`."""
    try:
        return str(Reference.parse(image))
    except InvalidReference:
        return image


def _normal_images(cache: ImageCache) -> set[str]:
    return {normal(image) for image in cache.images}


def _split(cache: ImageCache, images: Sequence[str]) -> CacheMatch:
    has = _normal_images(cache)
    found = tuple(image for image in images if normal(image) in has)
    return CacheMatch(cache.id, found, tuple(image for image in images if image not in found))
