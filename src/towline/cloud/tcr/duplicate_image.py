"""DuplicateImage: the same image under another name, without its bytes being moved.

The blobs are mounted from one repository into the other, then the manifests are pushed, those of an
index before the index itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from towline.cloud.action import Action, AnyAction, Done, Parameters
from towline.cloud.contents import Contents
from towline.cloud.context import Context
from towline.cloud.refusal import Refusal
from towline.cloud.tcr.place import (
    check_reference,
    check_tag,
    full_name,
    missing,
    namespace_in,
)
from towline.cloud.visit import FetchedManifest, Visit
from towline.oci.manifest import Index, Manifest
from towline.oci.media_type import is_index, is_manifest, is_non_distributable


class DuplicateImage(Parameters, frozen=True, kw_only=True):
    """From where to where; a destination that is not given is the source."""

    registry_id: str
    source_namespace: str
    source_repo: str
    source_reference: str
    destination_tag: str
    destination_namespace: str = ""
    destination_repo: str = ""
    override: bool = False


async def duplicate_image(context: Context, asked: DuplicateImage) -> Done:
    """Give an image one more tag, in any repository of the instance."""
    instance = context.resources.running(asked.registry_id)
    namespace = asked.destination_namespace or asked.source_namespace
    for name in (asked.source_namespace, namespace):
        namespace_in(context.resources, instance, name)
    source = full_name(asked.source_namespace, asked.source_repo)
    target = full_name(namespace, asked.destination_repo or asked.source_repo)
    reference, tag = check_reference(asked.source_reference), check_tag(asked.destination_tag)
    async with Contents(context, instance).visit(source, target) as visit:
        manifest = await visit.manifest(source, reference)
        if manifest is None:
            raise missing(f"The repository {source} has no image {reference}.")
        if not asked.override and await visit.manifest(target, tag) is not None:
            raise Refusal(
                "FailedOperation.ErrorTcrResourceConflict",
                f"The repository {target} already has an image {tag}.",
            )
        await _Copy(visit, source, target).copy(manifest, tag)
    return Done()


ACTIONS: Mapping[str, AnyAction] = {"DuplicateImage": Action(DuplicateImage, duplicate_image)}


@dataclass(frozen=True, slots=True)
class _Copy:
    """What is on the way from one repository to another."""

    visit: Visit
    source: str
    target: str
    done: set[str] = field(default_factory=set)
    """The digests of what has arrived: an index may name the same manifest many times."""

    async def copy(self, manifest: FetchedManifest, reference: str) -> None:
        """Push a manifest after everything that it names."""
        if self.source != self.target:
            content = manifest.content
            if isinstance(content, Index):
                await self._copy_manifests(content)
            else:
                await self._mount_all(content)
        await self.visit.put_manifest(self.target, reference, manifest)

    async def _copy_manifests(self, index: Index) -> None:
        for part in index.manifests:
            digest = str(part.digest)
            if digest in self.done:
                continue
            self.done.add(digest)
            if not is_manifest(part.media_type) and not is_index(part.media_type):
                await self._mount(digest)
                continue
            child = await self.visit.manifest(self.source, digest)
            if child is None:
                raise missing(f"The repository {self.source} has no image {digest}.")
            await self.copy(child, digest)

    async def _mount_all(self, manifest: Manifest) -> None:
        for part in (manifest.config, *manifest.layers):
            if not part.urls and not is_non_distributable(part.media_type):
                await self._mount(str(part.digest))

    async def _mount(self, digest: str) -> None:
        if not await self.visit.mount(self.target, digest, self.source):
            raise missing(f"The repository {self.source} has no blob {digest}.")
