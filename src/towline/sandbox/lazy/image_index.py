"""What a registry has beside an image that lets its layers be used before they are here."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from towline.content.index_blob import (
    ARTIFACT_TYPE,
    HEAD_TYPE,
    LAYER_ANNOTATION,
    WINDOWS_TYPE,
    BadIndex,
    LayerIndex,
    decode_head,
)
from towline.oci.digest import Digest
from towline.oci.manifest import Descriptor, InvalidManifest, Manifest, parse_manifest
from towline.oci.media_type import OCI_MANIFEST
from towline.pull.layers import Layer
from towline.pull.shortcut import IndexReader, NotThere
from towline.sandbox.lazy.order import LazyLayer, Packed
from towline.sandbox.thread_work import in_thread

MAX_ARTIFACT = 4 * 1024 * 1024  # what the distribution specification asks a registry to take
MAX_HEAD = 64 * 1024 * 1024  # packed; half a megabyte is usual for 23,000 files


@dataclass(frozen=True, slots=True)
class Indexed:
    """A layer, and what must be known of it to use it at once."""

    layer: Layer
    index: LayerIndex
    head: bytes
    """As it came, for those who fill the layer."""
    windows: Descriptor | None

    @property
    def room(self) -> int:
        """What its file will take of the disk."""
        return self.index.metadata_offset + len(self.index.metadata)

    def ordered(self, path: str, head: str) -> LazyLayer:
        """The layer as it is to be filled, with its files at these paths."""
        windows = _packed(self.windows) if self.windows else None
        packed = _packed(self.layer.descriptor)
        return LazyLayer(str(self.layer.diff_id), path, packed, windows, head)


async def read_index(
    subject: Digest, layers: Sequence[Layer], reader: IndexReader
) -> tuple[Indexed, ...]:
    """The indexes of those of the layers that have one; raises `NotThere` when none has."""
    artifact = await _artifact(subject, reader)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_indexed(layer, artifact, reader)) for layer in layers]
    found = tuple(one for task in tasks if (one := task.result()) is not None)
    if not found:
        raise NotThere("the index has none of the layers")
    return found


async def _artifact(subject: Digest, reader: IndexReader) -> Manifest:
    referrers = await reader.referrers(ARTIFACT_TYPE)
    if not referrers:
        raise NotThere("the image has no index")
    content = await reader.content(referrers[0], MAX_ARTIFACT)
    try:
        artifact = parse_manifest(content, OCI_MANIFEST)
    except InvalidManifest as error:
        raise NotThere(error.cause) from error
    assert isinstance(artifact, Manifest), "this media type is a manifest's"
    if artifact.subject is None or artifact.subject.digest != subject:
        raise NotThere("the index is another image's")
    return artifact


async def _indexed(layer: Layer, artifact: Manifest, reader: IndexReader) -> Indexed | None:
    """None where there is no index, or one that is not of this layer."""
    head = _of_layer(artifact, layer, HEAD_TYPE)
    if head is None:
        return None
    try:
        content = await reader.content(head, MAX_HEAD)
        index = await in_thread(lambda: decode_head(content))
    except (NotThere, BadIndex):
        return None
    descriptor = layer.descriptor
    if index.diff_id != str(layer.diff_id) or index.packed_size != descriptor.size:
        return None
    return Indexed(layer, index, content, _of_layer(artifact, layer, WINDOWS_TYPE))


def _of_layer(artifact: Manifest, layer: Layer, media_type: str) -> Descriptor | None:
    name = str(layer.descriptor.digest)
    found = (
        one
        for one in artifact.layers
        if one.media_type == media_type and one.annotations.get(LAYER_ANNOTATION) == name
    )
    return next(found, None)


def _packed(descriptor: Descriptor) -> Packed:
    return Packed(str(descriptor.digest), descriptor.size, descriptor.media_type)
