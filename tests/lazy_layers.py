"""Layers with holes on a rope, mounted, and readers who check every byte."""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.images import MadeImage, file, image, noise, tar
from tests.registries import put_image

from towline.content.index_blob import LayerIndex, encode_head
from towline.content.index_build import build_index
from towline.content.lazy_file import lay_out
from towline.kube.annotations import REGISTRY_HTTP_ENDPOINT
from towline.linux.mounts import mount_layer, unmount_if_mounted
from towline.oci.digest import Digest
from towline.oci.media_type import OCI_LAYER_GZIP
from towline.sandbox.lazy.order import LazyLayer, Packed, Way

STEP = 64 * 1024
REPOSITORY = "team/lazy"


def files(seed: int, count: int = 8, size: int = 300_000) -> dict[str, bytes]:
    """What is in a layer: noise and text in turns."""
    return {
        f"f{number}": noise(size, seed * 100 + number)
        + b"%d the lazy dog\n" % number * (size // 20)
        for number in range(count)
    }


@dataclass(frozen=True, slots=True)
class Holes:
    """An image at a registry, and of each of its layers a file with holes."""

    made: MadeImage
    contents: tuple[Mapping[str, bytes], ...]
    indexes: tuple[LayerIndex, ...]
    layers: tuple[LazyLayer, ...]
    folder: Path

    def way(self, address: str) -> Way:
        """To the registry at this address, which speaks plain HTTP."""
        reference = f"{address}/{REPOSITORY}:v1"
        return Way(reference, annotations={REGISTRY_HTTP_ENDPOINT: address}, dial_timeout=5.0)

    @contextlib.contextmanager
    def mounted(self) -> Iterator[Sequence[Path]]:
        """All layers, each by itself."""
        at = [self.folder / f"mounted-{number}" for number in range(len(self.layers))]
        try:
            for layer, target in zip(self.layers, at, strict=True):
                target.mkdir(exist_ok=True)
                mount_layer(Path(layer.path), target)
            yield at
        finally:
            for target in at:
                unmount_if_mounted(target)

    def digests(self) -> dict[tuple[int, str], str]:
        """What every file must hash to."""
        return {
            (layer, name): hashlib.sha256(content).hexdigest()
            for layer, contents in enumerate(self.contents)
            for name, content in contents.items()
        }


def with_holes(
    folder: Path, address: str, contents: Sequence[Mapping[str, bytes]], step: int = STEP
) -> Holes:
    """Push an image with these layers, its windows beside it, and lay its layers out."""
    tars = [tar(*(file(name, content) for name, content in layer.items())) for layer in contents]
    made, indexes, layers = image(*tars), [], []
    extra: dict[Digest, bytes] = {}
    for number, descriptor in enumerate(made.layers):
        place = folder / f"layer-{number}"
        place.mkdir()
        packed, windows = place / "packed", io.BytesIO()
        packed.write_bytes(made.blobs[descriptor])
        index = build_index(packed, windows, step)
        (place / "head").write_bytes(encode_head(index))
        lay_out(place / "layer", index)
        frames = windows.getvalue()
        extra[Digest.of(frames)] = frames
        layers.append(
            LazyLayer(
                index.diff_id,
                str(place / "layer"),
                Packed(str(descriptor), index.packed_size, OCI_LAYER_GZIP),
                Packed(str(Digest.of(frames)), len(frames), "application/octet-stream")
                if frames
                else None,
                str(place / "head"),
            )
        )
        indexes.append(index)
    made.blobs.update(extra)
    put_image(address, REPOSITORY, "v1", made)
    return Holes(made, tuple(contents), tuple(indexes), tuple(layers), folder)
