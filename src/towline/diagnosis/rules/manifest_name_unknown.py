"""manifest.name-unknown: the repository does not exist."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Correct the repository of {image(facts)}"),
        who=Who.POD_AUTHOR,
    )


RULE = Rule(
    code="manifest.name-unknown",
    title="The repository does not exist",
    remedy=remedy,
    decided_by="GET tags/list: NAME_UNKNOWN",
)
