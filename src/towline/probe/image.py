"""An image's config and the first bytes of its layers, wherever the registry sends one for them."""

from __future__ import annotations

import asyncio
import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path

from towline.diagnosis.observation import (
    ConfigSeen,
    HttpOutcome,
    HttpSeen,
    LayerSeen,
    SpaceSeen,
)
from towline.diagnosis.observed_path import PathSeen
from towline.oci.digest import Digest
from towline.oci.image_config import ImageConfig, InvalidImageConfig
from towline.oci.manifest import Descriptor, Manifest
from towline.probe.exchange import MAX_BODY
from towline.probe.layer_content import judge, packing
from towline.probe.manifest import Repository

MAX_CONFIG = 1024 * 1024
LAYERS_LOOKED_AT = 5
AT_ONCE = 3  # containerd's max_concurrent_downloads
UNPACKED_BY_PACKED = 3


async def see_config(
    repository: Repository, manifest: Manifest
) -> tuple[ConfigSeen, ImageConfig | None]:
    """Fetch the config and read it."""
    config = manifest.config
    got = await repository.ask("GET", f"blobs/{config.digest}", limit=MAX_CONFIG)
    seen = ConfigSeen(str(config.digest), got.seen, config.size, layers=len(manifest.layers))
    if not got.ok:
        return seen, None
    seen_digest = str(Digest.of(got.content, config.digest.algorithm))
    seen = replace(seen, received=len(got.content), seen_digest=seen_digest)
    try:
        read = ImageConfig.parse(got.content)
    except InvalidImageConfig as error:
        return replace(seen, unreadable=error.reason), None
    return replace(seen, platform=str(read.platform), diff_ids=len(read.diff_ids)), read


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of a manifest, with what it must unpack to if the config says so."""

    descriptor: Descriptor
    diff_id: Digest | None


def layers_of(manifest: Manifest, config: ImageConfig | None) -> tuple[Layer, ...]:
    """The layers, lowest first."""
    diff_ids = config.diff_ids if config else ()
    known = diff_ids if len(diff_ids) == len(manifest.layers) else (None,) * len(manifest.layers)
    return tuple(Layer(*pair) for pair in zip(manifest.layers, known, strict=True))


def chosen(layers: tuple[Layer, ...], suspects: tuple[str, ...]) -> tuple[Layer, ...]:
    """The few layers that are looked at: those that a failed pull names, then the biggest."""
    different = {str(layer.descriptor.digest): layer for layer in layers}
    ordered = sorted(
        different.values(),
        key=lambda layer: (str(layer.descriptor.digest) not in suspects, -layer.descriptor.size),
    )
    return tuple(ordered[:LAYERS_LOOKED_AT])


async def see_layers(repository: Repository, layers: tuple[Layer, ...]) -> tuple[LayerSeen, ...]:
    """Their first bytes, several at once."""
    few = asyncio.Semaphore(AT_ONCE)

    async def one(layer: Layer) -> LayerSeen:
        async with few:
            return await see_layer(repository, layer)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(layer)) for layer in layers]
    return tuple(task.result() for task in tasks)


async def see_layer(repository: Repository, layer: Layer) -> LayerSeen:
    """The first 64 KiB, which is often all; and the last byte of what is longer."""
    wanted, path = layer.descriptor, f"blobs/{layer.descriptor.digest}"
    first = min(wanted.size, MAX_BODY) or MAX_BODY
    got = await repository.ask("GET", path, (("Range", f"bytes=0-{first - 1}"),))
    seen = LayerSeen(str(wanted.digest), wanted.media_type, wanted.size, got.seen)
    if got.path is not None and got.path.authority != _authority(repository):
        seen = replace(seen, path=got.path)
    if not got.ok:
        return seen
    stated = _stated_size(got.seen)
    seen = replace(seen, stated_size=stated, packing=packing(got.content))
    if got.seen.outcome is not HttpOutcome.ANSWERED:
        return seen
    if wanted.size > MAX_BODY:
        return await _with_tail(repository, seen, layer, got.content)
    hashed = hashlib.new(wanted.digest.algorithm.value, got.content).hexdigest()
    seen = replace(seen, seen_digest=f"{wanted.digest.algorithm.value}:{hashed}")
    if seen.seen_digest != seen.digest:
        return seen
    return replace(seen, problem=judge(got.content, wanted.media_type, layer.diff_id, whole=True))


async def _with_tail(
    repository: Repository, seen: LayerSeen, layer: Layer, content: bytes
) -> LayerSeen:
    last = layer.descriptor.size - 1
    span = (("Range", f"bytes={last}-{last}"),)
    tail = await repository.ask("GET", f"blobs/{layer.descriptor.digest}", span)
    problem = judge(content, layer.descriptor.media_type, None, whole=False)
    return replace(seen, tail=tail.seen, problem=problem)


def _authority(repository: Repository) -> str:
    url = repository.registry
    return PathSeen(url.host, url.port, url.scheme).authority


def _stated_size(seen: HttpSeen) -> int | None:
    """The whole size, by the header that goes with the status (RFC 9110 §14.4)."""
    text = seen.header("content-range").rpartition("/")[2] if seen.status == 206 else ""
    text = text or (seen.header("content-length") if seen.status == 200 else "")
    return int(text) if text.isdigit() else None


def see_space(store: Path, manifest: Manifest) -> SpaceSeen | None:
    """The disk that images are kept on; None when there is no such folder."""
    try:
        found = os.statvfs(store)
    except OSError:
        return None
    packed = sum(layer.size for layer in manifest.layers)
    free_files = found.f_favail if found.f_files else -1
    free = found.f_bavail * found.f_frsize
    return SpaceSeen(str(store), free, free_files, packed * UNPACKED_BY_PACKED)
