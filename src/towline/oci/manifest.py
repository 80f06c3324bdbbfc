"""Manifests and indexes: the JSON that names an image's parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from towline.oci.digest import Digest, InvalidDigest
from towline.oci.media_type import is_index, is_manifest, without_parameters
from towline.problem import Problem

MAX_MANIFEST_SIZE = 4 * 1024 * 1024  # what the distribution specification asks a registry to take


class InvalidManifest(Problem):
    """Bytes that are no manifest and no index."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            "invalid-manifest",
            cause=f"the manifest cannot be read: {reason}",
            remedy="Push the image again with a current tool, as an OCI or Docker schema 2 image.",
        )
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What a manifest says of another piece of content."""

    media_type: str
    digest: Digest
    size: int
    platform: tuple[str, str, str] | None = None
    """Operating system, architecture and variant."""
    urls: tuple[str, ...] = ()
    artifact_type: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)
    data: str = ""
    """The content itself in base 64, when it is embedded."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """One image or artifact: a config and layers, lowest first."""

    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    subject: Descriptor | None = None
    artifact_type: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Index:
    """A list of manifests, usually one for each platform."""

    media_type: str
    manifests: tuple[Descriptor, ...]
    subject: Descriptor | None = None
    artifact_type: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)


class _Platform(msgspec.Struct, frozen=True):
    os: str = ""
    architecture: str = ""
    variant: str | None = None


class _Descriptor(msgspec.Struct, frozen=True, rename="camel"):
    media_type: str
    digest: str
    size: int
    platform: _Platform | None = None
    urls: tuple[str, ...] | None = None
    artifact_type: str | None = None
    annotations: dict[str, str] | None = None
    data: str | None = None

    def value(self) -> Descriptor:
        if self.size < 0:
            raise InvalidManifest(f"the size of {self.digest[:200]} is negative")
        platform = self.platform
        return Descriptor(
            self.media_type,
            Digest.parse(self.digest),
            self.size,
            (platform.os, platform.architecture, platform.variant or "") if platform else None,
            self.urls or (),
            self.artifact_type or "",
            self.annotations or {},
            self.data or "",
        )


class _Document(msgspec.Struct, frozen=True, rename="camel"):
    schema_version: int
    media_type: str | None = None
    config: _Descriptor | None = None
    layers: tuple[_Descriptor, ...] | None = None
    manifests: tuple[_Descriptor, ...] | None = None
    subject: _Descriptor | None = None
    artifact_type: str | None = None
    annotations: dict[str, str] | None = None


_decoder = msgspec.json.Decoder(_Document)


def parse_manifest(body: bytes, content_type: str) -> Manifest | Index:
    """Read what was served or pushed under this content type; raises `InvalidManifest`.

    A body that names another media type than its envelope, or that has the parts of both kinds, is
    refused: what two readers understand differently is a way to smuggle (CVE-2021-41190).
    """
    media_type = without_parameters(content_type)
    try:
        document = _decoder.decode(body)
        _agree(document, media_type)
        if is_index(media_type):
            return _index(document, media_type)
        if is_manifest(media_type):
            return _manifest(document, media_type)
    except (msgspec.MsgspecError, InvalidDigest, UnicodeDecodeError) as error:
        reason = error.cause if isinstance(error, InvalidDigest) else str(error)
        raise InvalidManifest(reason) from error
    raise InvalidManifest(f"unknown media type {media_type[:200]!r}")


def _agree(document: _Document, media_type: str) -> None:
    if document.schema_version != 2:
        raise InvalidManifest(f"unsupported schema version {document.schema_version}")
    if document.media_type and without_parameters(document.media_type) != media_type:
        stated = document.media_type[:200]
        raise InvalidManifest(f"it is served as {media_type[:200]} but says it is {stated}")


def _manifest(document: _Document, media_type: str) -> Manifest:
    if document.config is None or document.layers is None or document.manifests is not None:
        raise InvalidManifest("a manifest has a config and layers, and no manifests")
    return Manifest(
        media_type,
        document.config.value(),
        tuple(layer.value() for layer in document.layers),
        document.subject.value() if document.subject else None,
        document.artifact_type or "",
        document.annotations or {},
    )


def _index(document: _Document, media_type: str) -> Index:
    if document.manifests is None or document.config is not None or document.layers is not None:
        raise InvalidManifest("an index has manifests, and no config or layers")
    return Index(
        media_type,
        tuple(manifest.value() for manifest in document.manifests),
        document.subject.value() if document.subject else None,
        document.artifact_type or "",
        document.annotations or {},
    )
