"""manifest.tag-unknown: the tag does not exist."""

from __future__ import annotations

from towline.diagnosis.answered import answered, refused
from towline.diagnosis.facts import Facts
from towline.diagnosis.reading import Request
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.saying import (
    BY_DIGEST,
    CHILD,
    MANIFEST_UNKNOWN,
    NOT_FOUND,
    OTHER_NOT_FOUND,
    PAGE,
    TO_REGISTRY,
)
from towline.diagnosis.seen_manifest import missing
from towline.diagnosis.sign import asking, by, mentions, says, status
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    manifest = missing(facts.seen)
    near = ", ".join(manifest.tags.near) if manifest is not None and manifest.tags else ""
    there = f": its nearest tags are {near}" if near else ""
    return Remedy(
        text=(f"Correct the tag of {image(facts)}{there}"),
        who=Who.POD_AUTHOR,
    )


def proof(facts: Facts) -> Proof | None:
    """The repository is there, and its tags are others."""
    manifest = missing(facts.seen)
    if manifest is None or ":" in manifest.target or manifest.tags is None:
        return None
    if not refused(manifest.tags.answer, 200):
        return None
    near = ", ".join(manifest.tags.near)
    nearest = (f"the nearest of its {manifest.tags.count} tags: {near}",) if near else ()
    return Proof((answered(manifest.answer), answered(manifest.tags.answer), *nearest))


RULE = Rule(
    code="manifest.tag-unknown",
    title="The tag does not exist",
    remedy=remedy,
    proof=proof,
    decided_by="GET tags/list",
    about=(
        "The repository is there, the tag is not: mistyped, never pushed, or deleted. "
        "With a mirror configured the text may be about the mirror instead."
    ),
    looks=(
        ("containerd", "failed to resolve image: hub.example/team/app:1.0: not found"),
        (
            "docker",
            (
                "Error response from daemon: manifest for hub.example/team/app:1.0 not found: "
                "manifest unknown: manifest unknown"
            ),
        ),
        ("podman", "reading manifest 1.0 in hub.example/team/app: manifest unknown"),
    ),
    signs=(
        TO_REGISTRY & MANIFEST_UNKNOWN & ~BY_DIGEST & ~CHILD,
        TO_REGISTRY & NOT_FOUND & ~BY_DIGEST & ~OTHER_NOT_FOUND & ~mentions("sha256"),
        mentions("manifest for ") & says("not found") & ~BY_DIGEST & ~OTHER_NOT_FOUND,
        by("podman", "crane", "docker", "oras") & asking(Request.MANIFEST) & status(404) & ~PAGE,
    ),
)
