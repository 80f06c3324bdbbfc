"""manifest.unsupported-type: the manifest has a media type that runtimes do not know."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Push {image(facts)} again as an image"),
        who=Who.POD_AUTHOR,
    )


RULE = Rule(
    code="manifest.unsupported-type",
    title="The manifest has a media type that runtimes do not know",
    remedy=remedy,
    decided_by="the manifest's media type",
)
