"""manifest.schema1: the image has a manifest of schema 1, which is no longer supported."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.saying import CHILD_NOT_FOUND
from towline.diagnosis.seen_manifest import manifests
from towline.diagnosis.sign import mentions
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Push {image(facts)} again with a current builder"),
        who=Who.POD_AUTHOR,
    )


def proof(facts: Facts) -> Proof | None:
    """The manifest says so itself."""
    for manifest in manifests(facts.seen):
        if manifest.schema == 1:
            return Proof((f"{manifest.target} is {manifest.media_type}, schemaVersion 1",))
    return None


RULE = Rule(
    code="manifest.schema1",
    title="The image has a manifest of schema 1, which is no longer supported",
    remedy=remedy,
    proof=proof,
    decided_by="the manifest's media type",
    signs=(
        mentions("schema 1", "v1+prettyjws", "no signatures", "manifest.v1+json")
        & ~mentions("config.v1+json"),
    ),
    look_alikes=(mentions("missing signature key") | CHILD_NOT_FOUND,),
)
