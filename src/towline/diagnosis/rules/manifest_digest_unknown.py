"""manifest.digest-unknown: the digest does not exist in the repository."""

from __future__ import annotations

from towline.diagnosis.answered import answered, refused
from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.saying import (
    BY_DIGEST,
    CHILD,
    MANIFEST_UNKNOWN,
    NOT_FOUND,
    OTHER_NOT_FOUND,
    TO_REGISTRY,
)
from towline.diagnosis.seen_manifest import missing
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Correct the digest of {image(facts)}, or push the image again"),
        who=Who.POD_AUTHOR,
    )


def proof(facts: Facts) -> Proof | None:
    """The repository is there, and has nothing of this digest."""
    manifest = missing(facts.seen)
    if manifest is None or ":" not in manifest.target or manifest.tags is None:
        return None
    if not refused(manifest.tags.answer, 200):
        return None
    return Proof((answered(manifest.answer), answered(manifest.tags.answer)))


RULE = Rule(
    code="manifest.digest-unknown",
    title="The digest does not exist in the repository",
    remedy=remedy,
    proof=proof,
    decided_by="HEAD of the manifest",
    signs=(TO_REGISTRY & (MANIFEST_UNKNOWN | NOT_FOUND) & BY_DIGEST & ~CHILD & ~OTHER_NOT_FOUND,),
    about=(
        "No manifest of this digest is in the repository: it was deleted, collected as "
        "garbage, or pushed elsewhere."
    ),
    looks=(
        (
            "containerd",
            "failed to resolve image: hub.example/team/app@sha256:0123456789ab: not found",
        ),
        (
            "docker",
            (
                "Error response from daemon: manifest for "
                "hub.example/team/app@sha256:0123456789ab not found: manifest unknown: manifest"
                " unknown"
            ),
        ),
    ),
)
