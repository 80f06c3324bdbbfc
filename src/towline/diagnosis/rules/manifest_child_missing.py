"""manifest.child-missing: the index names a manifest that is not there."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Push {image(facts)} again with all platforms"),
        who=Who.POD_AUTHOR,
    )


RULE = Rule(
    code="manifest.child-missing",
    title="The index names a manifest that is not there",
    remedy=remedy,
    decided_by="HEAD of each manifest of the index",
)
