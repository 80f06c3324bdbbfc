"""Image caches: CreateImageCache, DescribeImageCaches, DeleteImageCaches, GetMostSuitableImageCache.

Creating is asking: a cache is `Pending` until the agent has pulled its images from the subnet that
it names. A cache that has expired is as if it were gone; the agent removes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from towline.cloud.action import Action, Answer, AnyAction, Done, Parameters
from towline.cloud.context import Context, Resources, rfc3339
from towline.cloud.identifier import resource_id
from towline.cloud.page import Filter, matching, number, part
from towline.cloud.refusal import Refusal
from towline.cloud.tag import Tag, checked
from towline.cloud.tke.image_cache_info import ImageCacheInfo, ImageRegistryCredential, info
from towline.cloud.transaction import Decision, removal, settle, witness
from towline.oci.reference import InvalidReference, Reference
from towline.pull.image_cache import most_suitable
from towline.resource.image_cache import ImageCache, RegistryLogin, Surroundings
from towline.store.write import Write

_SMALLEST, _LARGEST = 10, 32_000  # GiB: a cloud disk of the type that caches are kept on
_LONGEST_NAME = 60
_MOST_SHOWN = 50


class EipAttribute(Parameters, frozen=True, kw_only=True):
    """The public address that is made for the time of the pull."""

    delete_policy: str = ""
    internet_service_provider: str | None = None
    internet_max_bandwidth_out: int | None = None


class CreateImageCache(Parameters, frozen=True, kw_only=True):
    """What a new cache is to hold, and from where that is fetched."""

    images: tuple[str, ...]
    subnet_id: str
    vpc_id: str
    image_cache_name: str = ""
    security_group_ids: tuple[str, ...] = ()
    image_registry_credentials: tuple[ImageRegistryCredential, ...] = ()
    existed_eip_id: str = ""
    auto_create_eip: bool = False
    auto_create_eip_attribute: EipAttribute | None = None
    image_cache_size: int = 20
    retention_days: int = 0
    registry_skip_verify_list: tuple[str, ...] = ()
    registry_http_end_point_list: tuple[str, ...] = ()
    resolve_config: str = ""
    tags: tuple[Tag, ...] = ()


class CreatedImageCache(Answer, frozen=True, kw_only=True):
    """The new cache's id."""

    image_cache_id: str


class DescribeImageCaches(Parameters, frozen=True, kw_only=True):
    """Which caches to show."""

    image_cache_ids: tuple[str, ...] = ()
    image_cache_names: tuple[str, ...] = ()
    limit: int = 20
    offset: int = 0
    filters: tuple[Filter, ...] = ()


class ImageCachesShown(Answer, frozen=True, kw_only=True):
    """Some of the caches, and how many there are."""

    total_count: int
    image_caches: tuple[ImageCacheInfo, ...]


class DeleteImageCaches(Parameters, frozen=True, kw_only=True):
    """Which caches to remove."""

    image_cache_ids: tuple[str, ...]


class GetMostSuitableImageCache(Parameters, frozen=True, kw_only=True):
    """A pod's images."""

    images: tuple[str, ...]
    snapshotter: str = ""


class SuitableImageCache(Answer, frozen=True, kw_only=True):
    """The cache that a pod with these images would get by `auto`."""

    found: bool
    image_cache: ImageCacheInfo | None = None


async def create_image_cache(context: Context, asked: CreateImageCache) -> CreatedImageCache:
    """Ask for a cache; the agent sets about it at once."""
    resources = context.resources
    tags = checked(asked.tags)

    def decide() -> Decision[ImageCache]:
        subnet = resources.subnet(asked.vpc_id, asked.subnet_id)
        cache = _cache(context, asked, tags)
        writes: list[Write] = [
            witness(resources.subnets, asked.vpc_id, subnet.id),
            resources.image_caches.creation("", cache.id, cache),
        ]
        return Decision(writes, cache)

    return CreatedImageCache(image_cache_id=(await settle(resources.store, decide)).id)


async def describe_image_caches(context: Context, asked: DescribeImageCaches) -> ImageCachesShown:
    """Show caches in the order of their creation."""
    number("Limit", asked.limit, _MOST_SHOWN)
    ids, names = set(asked.image_cache_ids), set(asked.image_cache_names)
    chosen = [
        cache
        for cache in standing(context)
        if (not ids or cache.id in ids) and (not names or cache.name in names)
    ]
    found = matching(chosen, asked.filters, {"image-cache-name": lambda cache: cache.name})
    page = part(found, asked.offset, asked.limit)
    return ImageCachesShown(total_count=len(found), image_caches=tuple(map(info, page)))


async def delete_image_caches(context: Context, asked: DeleteImageCaches) -> Done:
    """Remove caches; their layers may go from this moment on."""
    resources = context.resources
    ids = tuple(dict.fromkeys(asked.image_cache_ids))
    if not ids:
        raise Refusal("InvalidParameter", "No image cache is named.")

    def decide() -> Decision[Done]:
        caches = [the_cache(context, id_) for id_ in ids]
        return Decision([removal(resources.image_caches, "", one.id) for one in caches], Done())

    return await settle(resources.store, decide)


async def get_most_suitable(
    context: Context, asked: GetMostSuitableImageCache
) -> SuitableImageCache:
    """Say which cache a pod with these images would get."""
    if asked.snapshotter not in {"", "overlay"}:
        return SuitableImageCache(found=False)
    best = most_suitable(asked.images, standing(context), context.now())
    return SuitableImageCache(found=best is not None, image_cache=info(best) if best else None)


ACTIONS: Mapping[str, AnyAction] = {
    "CreateImageCache": Action(CreateImageCache, create_image_cache),
    "DescribeImageCaches": Action(DescribeImageCaches, describe_image_caches),
    "DeleteImageCaches": Action(DeleteImageCaches, delete_image_caches),
    "GetMostSuitableImageCache": Action(GetMostSuitableImageCache, get_most_suitable),
}


def standing(context: Context) -> tuple[ImageCache, ...]:
    """All caches that have not expired, the oldest first."""
    now = context.now()
    return tuple(one for one in context.resources.image_caches.by_age() if not one.has_expired(now))


def the_cache(context: Context, cache_id: str) -> ImageCache:
    """The cache with this id; refused when there is none."""
    cache = context.resources.image_caches.get("", cache_id)
    if cache is None or cache.has_expired(context.now()):
        raise Refusal("ResourceNotFound", f"The image cache {cache_id} does not exist.")
    return cache


def checked_images(images: tuple[str, ...]) -> tuple[str, ...]:
    """Each image once; refused when there is none, or when one's name is none."""
    if not images:
        raise Refusal("InvalidParameter", "An image cache has at least one image.")
    for image in images:
        try:
            Reference.parse(image)
        except InvalidReference as error:
            raise Refusal("InvalidParameter", f"`{image}` is no image: {error.reason}.") from error
    return tuple(dict.fromkeys(images))


def checked_size(size: int) -> int:
    """A size in GiB; refused when no disk has it."""
    if not _SMALLEST <= size <= _LARGEST:
        raise Refusal("InvalidParameter", f"ImageCacheSize is from {_SMALLEST} to {_LARGEST} GiB.")
    return size


def checked_name(name: str) -> str:
    """A name; refused when it is too long."""
    if len(name) > _LONGEST_NAME:
        raise Refusal("InvalidParameter", f"A name has at most {_LONGEST_NAME} characters.")
    return name


def checked_groups(resources: Resources, group_ids: tuple[str, ...]) -> tuple[str, ...]:
    """Security groups; refused when one does not exist."""
    for id_ in group_ids:
        if resources.security_groups.get("", id_) is None:
            raise Refusal("ResourceNotFound", f"The security group {id_} does not exist.")
    return group_ids


def logins(given: tuple[ImageRegistryCredential, ...]) -> tuple[RegistryLogin, ...]:
    """Credentials as a cache keeps them."""
    return tuple(
        RegistryLogin(
            server=one.server, username=one.username, password=one.password, name=one.name
        )
        for one in given
    )


def expiry(created_at: str, days: int) -> str:
    """When a cache expires that was made at a time; empty for never."""
    number("RetentionDays", days, 36_500)
    if not days:
        return ""
    return rfc3339(datetime.fromisoformat(created_at).astimezone(UTC) + timedelta(days=days))


def _cache(context: Context, asked: CreateImageCache, tags: dict[str, str]) -> ImageCache:
    now, id_ = context.now(), resource_id("imc")
    return ImageCache(
        id=id_,
        name=checked_name(asked.image_cache_name) or id_,
        images=checked_images(asked.images),
        surroundings=_surroundings(context.resources, asked),
        logins=logins(asked.image_registry_credentials),
        size=checked_size(asked.image_cache_size),
        retention_days=asked.retention_days,
        tags=tags,
        created_at=now,
        expires_at=expiry(now, asked.retention_days),
    )


def _surroundings(resources: Resources, asked: CreateImageCache) -> Surroundings:
    wanted = asked.auto_create_eip_attribute
    makes_address = asked.auto_create_eip or wanted is not None
    if makes_address and asked.existed_eip_id:
        raise Refusal("InvalidParameter", "AutoCreateEip and ExistedEipId exclude each other.")
    if asked.existed_eip_id and resources.elastic_ips.get("", asked.existed_eip_id) is None:
        raise Refusal("ResourceNotFound", f"The EIP {asked.existed_eip_id} does not exist.")
    return Surroundings(
        vpc_id=asked.vpc_id,
        subnet_id=asked.subnet_id,
        security_group_ids=checked_groups(resources, asked.security_group_ids),
        elastic_ip_id=asked.existed_eip_id,
        new_address=_address(wanted or EipAttribute()) if makes_address else None,
        keeps_address=wanted is not None and wanted.delete_policy == "Never",
        unverified=asked.registry_skip_verify_list,
        plain_http=asked.registry_http_end_point_list,
        resolv_conf=asked.resolve_config,
    )


def _address(wanted: EipAttribute) -> str:
    most = wanted.internet_max_bandwidth_out
    return json.dumps({} if most is None else {"InternetMaxBandwidthOut": most})
