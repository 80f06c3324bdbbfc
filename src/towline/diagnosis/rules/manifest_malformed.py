"""manifest.malformed: the manifest is not readable."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Push {image(facts)} again"),
        who=Who.REGISTRY_ADMIN,
    )


RULE = Rule(
    code="manifest.malformed",
    title="The manifest is not readable",
    remedy=remedy,
    decided_by="the manifest's JSON",
)
