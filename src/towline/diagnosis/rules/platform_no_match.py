"""platform.no-match: the image has no variant for this platform."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Build {image(facts)} for this platform, or run on one that it has"),
        who=Who.POD_AUTHOR,
    )


RULE = Rule(
    code="platform.no-match",
    title="The image has no variant for this platform",
    remedy=remedy,
    decided_by="the platforms of the index",
)
