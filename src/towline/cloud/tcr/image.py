"""Images of a repository: DescribeImages, DescribeImageManifests, DeleteImage, DeleteRepositoryTags.

An image is a tag. To delete one is to delete what it points at, and so every tag that points there,
as the real product does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from towline.cloud.action import Action, Answer, AnyAction, Done, Parameters
from towline.cloud.contents import Contents
from towline.cloud.context import Context, millisecond
from towline.cloud.page import numbered_page
from towline.cloud.refusal import Refusal
from towline.cloud.tcr.place import check_reference, full_name, missing, namespace_in
from towline.cloud.visit import FetchedManifest, HeldTag, Visit
from towline.oci.manifest import Index
from towline.resource.instance import Instance

MAX_TAGS = 20  # of one DeleteRepositoryTags


class DescribeImages(Parameters, frozen=True, kw_only=True):
    """Which images to show; `Offset` is the number of a page."""

    registry_id: str
    namespace_name: str
    repository_name: str
    image_version: str = ""
    limit: int = 20
    offset: int = 1
    digest: str = ""
    exact_match: bool = False


class ImageInfo(Answer, frozen=True, kw_only=True):
    """One image, as the API shows it; none is signed here."""

    digest: str
    size: int
    image_version: str
    update_time: str
    kind: str
    kms_signature: str = ""


class Images(Answer, frozen=True, kw_only=True):
    """Some of the images, and how many there are."""

    image_info_list: tuple[ImageInfo, ...]
    total_count: int


class OneImage(Parameters, frozen=True, kw_only=True):
    """Which image is meant, by its tag or its digest."""

    registry_id: str
    namespace_name: str
    repository_name: str
    image_version: str


class KeyValue(Answer, frozen=True, kw_only=True):
    """One label."""

    key: str
    value: str


class ImageManifests(Answer, frozen=True, kw_only=True):
    """The documents of an image as they were pushed; an index has no config."""

    manifest: str
    config: str
    labels: tuple[KeyValue, ...]
    size: int


class DeleteRepositoryTags(Parameters, frozen=True, kw_only=True):
    """Which images to delete, all of them or none."""

    registry_id: str
    namespace_name: str
    repository_name: str
    tags: tuple[str, ...]


async def describe_images(context: Context, asked: DescribeImages) -> Images:
    """Show images, the last that was pushed first."""
    instance, name = _place(context, asked)
    async with Contents(context, instance).visit(name) as visit:
        held = await visit.repository(name)
        if held is None and context.resources.repositories.get(instance.id, name) is None:
            raise missing(f"The repository {name} does not exist.")
        tags = sorted(held.tags if held else (), key=lambda one: one.pushed_at, reverse=True)
        found = [tag for tag in tags if _is_wanted(tag, asked)]
        page = numbered_page(found, asked.offset, asked.limit)
        sizes = await _sizes(visit, name, page)
    shown = tuple(
        ImageInfo(
            digest=tag.digest,
            size=sizes[tag.digest],
            image_version=tag.name,
            update_time=millisecond(tag.pushed_at),
            kind=f"Artifact::{tag.media_type}",
        )
        for tag in page
    )
    return Images(image_info_list=shown, total_count=len(found))


async def describe_image_manifests(context: Context, asked: OneImage) -> ImageManifests:
    """Show an image's manifest, its config and the labels in it."""
    instance, name = _place(context, asked)
    reference = check_reference(asked.image_version)
    async with Contents(context, instance).visit(name) as visit:
        manifest = await _fetched(visit, name, reference)
        config = b""
        if not isinstance(content := manifest.content, Index):
            config = await visit.document(name, str(content.config.digest)) or b""
        size = await image_size(visit, name, manifest)
    return ImageManifests(
        manifest=manifest.body.decode(errors="replace"),
        config=config.decode(errors="replace"),
        labels=tuple(KeyValue(key=key, value=value) for key, value in _labels(config).items()),
        size=size,
    )


async def delete_image(context: Context, asked: OneImage) -> Done:
    """Delete an image with all tags that it has."""
    instance, name = _place(context, asked)
    await _delete(context, instance, name, [check_reference(asked.image_version)])
    return Done()


async def delete_repository_tags(context: Context, asked: DeleteRepositoryTags) -> Done:
    """Delete several images with all tags that they have."""
    instance, name = _place(context, asked)
    if not 1 <= len(asked.tags) <= MAX_TAGS:
        raise Refusal("InvalidParameter", f"Tags must be 1 to {MAX_TAGS}.")
    await _delete(context, instance, name, [check_reference(tag) for tag in asked.tags])
    return Done()


ACTIONS: Mapping[str, AnyAction] = {
    "DescribeImages": Action(DescribeImages, describe_images),
    "DescribeImageManifests": Action(OneImage, describe_image_manifests),
    "DeleteImage": Action(OneImage, delete_image),
    "DeleteRepositoryTags": Action(DeleteRepositoryTags, delete_repository_tags),
}


async def image_size(visit: Visit, name: str, manifest: FetchedManifest) -> int:
    """The bytes of an image: its documents and layers, those of all platforms for an index."""
    content = manifest.content
    size = len(manifest.body)
    if not isinstance(content, Index):
        return size + sum(part.size for part in (content.config, *content.layers))
    for part in content.manifests:
        child = await visit.manifest(name, str(part.digest))
        is_plain = child is None or isinstance(child.content, Index)
        size += part.size if is_plain or child is None else await image_size(visit, name, child)
    return size


def _place(
    context: Context, asked: DescribeImages | OneImage | DeleteRepositoryTags
) -> tuple[Instance, str]:
    """The instance, and the name of the repository with its namespace."""
    instance = context.resources.running(asked.registry_id)
    namespace_in(context.resources, instance, asked.namespace_name)
    return instance, full_name(asked.namespace_name, asked.repository_name)


def _is_wanted(tag: HeldTag, asked: DescribeImages) -> bool:
    if asked.digest and tag.digest != asked.digest:
        return False
    if asked.exact_match and asked.image_version:
        return tag.name == asked.image_version
    return asked.image_version in tag.name


async def _sizes(visit: Visit, name: str, tags: Sequence[HeldTag]) -> dict[str, int]:
    """The sizes of the images that tags point at; 0 for one that has gone meanwhile."""
    sizes = dict[str, int]()
    for tag in tags:
        if tag.digest not in sizes:
            manifest = await visit.manifest(name, tag.digest)
            sizes[tag.digest] = await image_size(visit, name, manifest) if manifest else 0
    return sizes


async def _fetched(visit: Visit, name: str, reference: str) -> FetchedManifest:
    manifest = await visit.manifest(name, reference)
    if manifest is None:
        raise missing(f"The repository {name} has no image {reference}.")
    return manifest


async def _delete(
    context: Context, instance: Instance, name: str, references: Sequence[str]
) -> None:
    """Delete images; all of them are looked for before the first one goes."""
    async with Contents(context, instance).visit(name) as visit:
        found = [await _fetched(visit, name, reference) for reference in references]
        for digest in dict.fromkeys(manifest.digest for manifest in found):
            await visit.remove_manifest(name, digest)


class _Settings(msgspec.Struct, frozen=True, rename="pascal"):
    labels: dict[str, str] | None = None


class _Config(msgspec.Struct, frozen=True):
    config: _Settings | None = None


def _labels(config: bytes) -> dict[str, str]:
    """The labels in an image's config; none in what is no such document."""
    try:
        settings = msgspec.json.decode(config, type=_Config).config
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return {}
    return (settings.labels if settings else None) or {}
