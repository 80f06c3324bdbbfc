"""storage.inodes: the disk for images has no inodes left."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Let old images go, or make the file system with more inodes"),
        who=Who.PLATFORM,
    )


RULE = Rule(
    code="storage.inodes",
    title="The disk for images has no inodes left",
    remedy=remedy,
    decided_by="free inodes",
)
