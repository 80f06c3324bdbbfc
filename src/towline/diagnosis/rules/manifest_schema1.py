"""manifest.schema1: the image has a manifest of schema 1, which is no longer supported."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Push {image(facts)} again with a current builder"),
        who=Who.POD_AUTHOR,
    )


RULE = Rule(
    code="manifest.schema1",
    title="The image has a manifest of schema 1, which is no longer supported",
    remedy=remedy,
    decided_by="the manifest's media type",
)
