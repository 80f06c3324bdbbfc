"""An image that is to be pushed, as manifests and blobs, whatever it was read from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from isal import isal_zlib

from towline.client.archive import Archive, FilePart, not_an_image, read_document
from towline.oci.digest import Digest
from towline.oci.manifest import Descriptor, Index, InvalidManifest, Manifest, parse_manifest
from towline.oci.media_type import (
    DOCKER_CONFIG,
    DOCKER_LAYER_GZIP,
    DOCKER_MANIFEST,
    OCI_INDEX,
    is_index,
    is_manifest,
    is_non_distributable,
)
from towline.oci.reference import Reference
from towline.problem import Problem

REF_NAME = "org.opencontainers.image.ref.name"
IMAGE_NAME = (
    "io.containerd.image.name"  # what docker and containerd call the image in their layouts
)
_GZIP_LEVEL = 2  # isal's best ratio for its speed: 3 is the largest, and three times slower
_GZIP_FORMAT = 16 + 15
MAX_DEPTH = 4


@dataclass(frozen=True, slots=True)
class Blob:
    """A config or layer, and where its bytes are."""

    digest: Digest
    content: FilePart


@dataclass(frozen=True, slots=True)
class Document:
    """A manifest or index, exactly as it will be sent."""

    media_type: str
    content: bytes

    @property
    def digest(self) -> Digest:
        """What names it."""
        return Digest.of(self.content)


@dataclass(slots=True)
class ImageSource:
    """Everything to send: blobs first, then documents in this order; the last one gets the tag."""

    blobs: dict[Digest, Blob] = field(default_factory=dict)
    documents: list[Document] = field(default_factory=list)


def read_image(archive: Archive, reference: Reference, scratch: Path) -> ImageSource:
    """Find the image for a reference in an archive; raises `Problem`."""
    index = read_document(archive, "index.json")
    if index is not None and archive.find("oci-layout") is not None:
        return _from_layout(archive, index, reference)
    listed = read_document(archive, "manifest.json")
    if listed is not None:
        return _from_docker(archive, listed, reference, scratch)
    raise not_an_image("it has neither oci-layout nor manifest.json")


def _from_layout(archive: Archive, index: bytes, reference: Reference) -> ImageSource:
    try:
        top = parse_manifest(index, OCI_INDEX)
    except InvalidManifest as error:
        raise not_an_image(error.reason) from error
    assert isinstance(top, Index)
    source = ImageSource()
    _collect(archive, _chosen(top.manifests, reference), source, MAX_DEPTH)
    return source


def _chosen(manifests: tuple[Descriptor, ...], reference: Reference) -> Descriptor:
    if len(manifests) == 1:
        return manifests[0]
    wanted = {reference.tag, str(reference)}
    named = {each.annotations.get(REF_NAME, ""): each for each in manifests}
    named |= {each.annotations.get(IMAGE_NAME, ""): each for each in manifests}
    matching = [each for name, each in named.items() if name and name in wanted]
    if matching:
        return matching[0]
    raise _ambiguous(sorted(filter(None, named)))


def _ambiguous(names: list[str]) -> Problem:
    return Problem(
        "several-images",
        cause=f"there are several images here: {', '.join(names) or 'without names'}",
        remedy="Push with the tag of one of them.",
    )


def _collect(archive: Archive, descriptor: Descriptor, source: ImageSource, depth: int) -> None:
    """Take in a manifest and everything below it, children first."""
    content = read_document(archive, _blob_name(descriptor.digest))
    if content is None or not descriptor.digest.names(content):
        raise not_an_image(f"{descriptor.digest} is missing or damaged")
    if not is_index(descriptor.media_type) and not is_manifest(descriptor.media_type):
        raise not_an_image(f"{descriptor.digest} is a {descriptor.media_type}")
    try:
        document = parse_manifest(content, descriptor.media_type)
    except InvalidManifest as error:
        raise not_an_image(error.reason) from error
    if isinstance(document, Manifest):
        for blob in (document.config, *document.layers):
            _collect_blob(archive, blob, source)
    elif depth == 0:
        raise not_an_image("its indexes are nested too deeply")
    else:
        for child in document.manifests:
            _collect(archive, child, source, depth - 1)
    source.documents.append(Document(descriptor.media_type, content))


def _collect_blob(archive: Archive, blob: Descriptor, source: ImageSource) -> None:
    content = archive.find(_blob_name(blob.digest))
    if content is not None and content.size == blob.size:
        source.blobs[blob.digest] = Blob(blob.digest, content)
    elif not is_non_distributable(blob.media_type):
        raise not_an_image(f"{blob.digest} is missing or has another size than {blob.size} bytes")


def _blob_name(digest: Digest) -> str:
    return f"blobs/{digest.algorithm}/{digest.hex}"


class _Saved(msgspec.Struct, frozen=True, rename="pascal"):
    """One image of `docker save`'s manifest.json."""

    config: str
    layers: tuple[str, ...]
    repo_tags: tuple[str, ...] | None = None


def _from_docker(
    archive: Archive, listed: bytes, reference: Reference, scratch: Path
) -> ImageSource:
    try:
        images = msgspec.json.decode(listed, type=tuple[_Saved, ...])
    except msgspec.MsgspecError as error:
        raise not_an_image(str(error)) from error
    saved = _chosen_saved(images, reference)
    config = read_document(archive, saved.config)
    if config is None:
        raise not_an_image(f"{saved.config} is missing")
    source = ImageSource()
    path = scratch / "config.json"
    path.write_bytes(config)
    blobs = [Blob(Digest.of(config), FilePart(path, 0, len(config)))]
    for number, name in enumerate(saved.layers):
        layer = archive.find(name)
        if layer is None:
            raise not_an_image(f"{name} is missing")
        blobs.append(_packed(layer, scratch / f"layer-{number}"))
    source.blobs = {blob.digest: blob for blob in blobs}
    source.documents.append(_manifest(blobs))
    return source


def _chosen_saved(images: tuple[_Saved, ...], reference: Reference) -> _Saved:
    if len(images) == 1:
        return images[0]
    for image in images:
        for tag in image.repo_tags or ():
            if tag == str(reference) or tag.rpartition(":")[2] == reference.tag:
                return image
    raise _ambiguous([tag for image in images for tag in image.repo_tags or ()])


def _packed(layer: FilePart, path: Path) -> Blob:
    """The layer as gzip, always the same bytes for the same layer; packed as it is if it already
    is.
    """
    hashed, size = hashlib.sha256(), 0
    head = next(iter(layer), b"")[:2]
    if head == b"\x1f\x8b":
        for piece in layer:
            hashed.update(piece)
        return Blob(Digest.parse(f"sha256:{hashed.hexdigest()}"), layer)
    with path.open("wb") as out:
        for piece in _gzipped(layer):
            hashed.update(piece)
            size += out.write(piece)
    return Blob(Digest.parse(f"sha256:{hashed.hexdigest()}"), FilePart(path, 0, size))


def _gzipped(layer: FilePart) -> Iterator[bytes]:
    engine = isal_zlib.compressobj(_GZIP_LEVEL, isal_zlib.DEFLATED, _GZIP_FORMAT)
    for piece in layer:
        yield engine.compress(piece)
    yield engine.flush()


def _manifest(blobs: list[Blob]) -> Document:
    config, *layers = blobs
    document = {
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST,
        "config": _descriptor(config, DOCKER_CONFIG),
        "layers": [_descriptor(layer, DOCKER_LAYER_GZIP) for layer in layers],
    }
    return Document(DOCKER_MANIFEST, msgspec.json.encode(document))


def _descriptor(blob: Blob, media_type: str) -> dict[str, object]:
    return {"mediaType": media_type, "size": blob.content.size, "digest": str(blob.digest)}
