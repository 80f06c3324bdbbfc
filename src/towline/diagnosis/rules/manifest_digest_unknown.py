"""manifest.digest-unknown: the digest does not exist in the repository."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Correct the digest of {image(facts)}, or push the image again"),
        who=Who.POD_AUTHOR,
    )


RULE = Rule(
    code="manifest.digest-unknown",
    title="The digest does not exist in the repository",
    remedy=remedy,
    decided_by="HEAD of the manifest",
)
