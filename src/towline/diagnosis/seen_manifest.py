"""What a probe saw of the manifests that an image's name leads to."""

from __future__ import annotations

from collections.abc import Iterator

from towline.diagnosis.answered import refused
from towline.diagnosis.observation import ManifestSeen, Observations


def manifests(seen: Observations | None) -> Iterator[ManifestSeen]:
    """Those that came: what the name itself means, and the platform's."""
    for manifest in (seen.manifest, seen.image_manifest) if seen else ():
        if manifest is not None and manifest.answer.status == 200:
            yield manifest


def image_manifest(seen: Observations | None) -> ManifestSeen | None:
    """The one with the layers: the last that came, unless it is an index."""
    last = None
    for manifest in manifests(seen):
        last = manifest
    return last if last is not None and not last.children else None


def missing(seen: Observations | None) -> ManifestSeen | None:
    """What the registry says it does not have."""
    manifest = seen.manifest if seen else None
    if manifest is None or not refused(manifest.answer, 404) or promised(manifest):
        return None
    return manifest


def promised(manifest: ManifestSeen) -> bool:
    """Whether its HEAD was answered, with the digest by which it was then asked for."""
    head = manifest.head
    return head is not None and refused(head, 200) and bool(head.header("docker-content-digest"))
