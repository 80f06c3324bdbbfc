"""storage.full: the disk for images is full."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Enlarge the disk for images, or let old images go"),
        who=Who.PLATFORM,
    )


RULE = Rule(
    code="storage.full",
    title="The disk for images is full",
    remedy=remedy,
    decided_by="free bytes against the layers' sizes",
)
