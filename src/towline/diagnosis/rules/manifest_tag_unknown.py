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
    return Remedy(
        text=(f"Correct the tag of {image(facts)}"),
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
    signs=(
        TO_REGISTRY & MANIFEST_UNKNOWN & ~BY_DIGEST & ~CHILD,
        TO_REGISTRY & NOT_FOUND & ~BY_DIGEST & ~OTHER_NOT_FOUND & ~mentions("sha256"),
        mentions("manifest for ") & says("not found") & ~BY_DIGEST,
        by("podman", "crane", "docker", "oras") & asking(Request.MANIFEST) & status(404) & ~PAGE,
    ),
)
