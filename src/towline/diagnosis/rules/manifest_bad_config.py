"""manifest.bad-config: the image's config is not readable."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Push {image(facts)} again"),
        who=Who.POD_AUTHOR,
    )


RULE = Rule(
    code="manifest.bad-config",
    title="The image's config is not readable",
    remedy=remedy,
    decided_by="the config's JSON",
)
