"""manifest.child-missing: the index names a manifest that is not there."""

from __future__ import annotations

from towline.diagnosis.answered import answered, refused
from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.saying import BY_DIGEST, CHILD, CHILD_NOT_FOUND, MANIFEST_UNKNOWN
from towline.diagnosis.sign import LAYERS_BEGUN, by, mentions
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Push {image(facts)} again with all platforms"),
        who=Who.POD_AUTHOR,
    )


def proof(facts: Facts) -> Proof | None:
    """The index is there, the manifest that it names for this platform is not."""
    child = facts.seen.image_manifest if facts.seen else None
    if child is None or not refused(child.answer, 404):
        return None
    return Proof((answered(child.answer),))


RULE = Rule(
    code="manifest.child-missing",
    title="The index names a manifest that is not there",
    remedy=remedy,
    proof=proof,
    decided_by="HEAD of each manifest of the index",
    signs=(
        mentions("content at"),
        CHILD & MANIFEST_UNKNOWN,
        LAYERS_BEGUN & MANIFEST_UNKNOWN & ~mentions("manifest for"),
        mentions("from remote: not found") & mentions("manifest.v", "image.index"),
    ),
    look_alikes=(
        BY_DIGEST & by("crane") & MANIFEST_UNKNOWN,
        CHILD_NOT_FOUND,
    ),
    about=(
        "The index (of several platforms) is there, the image it names for this "
        "platform is not: a copy that took the index only, or a clean-up that did not "
        "know of it."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to copy: httpReadSeeker: failed open: content at "
                "https://hub.example/v2/team/app/manifests/sha256:e9d3a2f657b9 not found: not "
                "found"
            ),
        ),
        ("docker", "manifest unknown"),
        (
            "podman",
            (
                "copying system image from manifest list: determining manifest MIME type for "
                "docker://hub.example/team/app:1.0: reading manifest sha256:e9d3a2f657b9 in "
                "hub.example/team/app: manifest unknown"
            ),
        ),
    ),
)
