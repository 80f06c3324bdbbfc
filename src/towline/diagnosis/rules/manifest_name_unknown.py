"""manifest.name-unknown: the repository does not exist."""

from __future__ import annotations

from towline.diagnosis.answered import answered
from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.saying import (
    INSUFFICIENT,
    MANIFEST_UNKNOWN,
    NAME_UNKNOWN,
    NOT_FOUND,
    OTHER_NOT_FOUND,
    PULL_DENIED,
    TO_REGISTRY,
    XML,
)
from towline.diagnosis.seen_manifest import missing
from towline.diagnosis.sign import FOR_BLOB
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Correct the repository of {image(facts)}"),
        who=Who.POD_AUTHOR,
    )


def proof(facts: Facts) -> Proof | None:
    """The registry says itself, here or of the tag list, that it has no such repository."""
    manifest = missing(facts.seen)
    if manifest is None:
        return None
    answers = [manifest.answer, *([manifest.tags.answer] if manifest.tags else [])]
    unknown = [one for one in answers if any(code == "NAME_UNKNOWN" for code, _ in one.errors)]
    return Proof((answered(unknown[-1]),)) if unknown else None


RULE = Rule(
    code="manifest.name-unknown",
    title="The repository does not exist",
    remedy=remedy,
    proof=proof,
    decided_by="GET tags/list: NAME_UNKNOWN",
    signs=(NAME_UNKNOWN & ~FOR_BLOB,),
    look_alikes=(
        TO_REGISTRY & MANIFEST_UNKNOWN,
        TO_REGISTRY & NOT_FOUND & ~OTHER_NOT_FOUND,
        INSUFFICIENT,
        TO_REGISTRY & PULL_DENIED & ~XML,
    ),
    about=(
        "There is no such repository. Many registries hide that and say `manifest "
        "unknown`; the list of tags tells the truth."
    ),
    looks=(
        ("containerd", "failed to resolve image: hub.example/team/app:1.0: not found"),
        (
            "docker",
            (
                "Error response from daemon: repository hub.example/team/app not found: name "
                "unknown: repository name not known to registry"
            ),
        ),
        (
            "podman",
            "reading manifest 1.0 in hub.example/team/app: repository name not known to registry",
        ),
    ),
)
