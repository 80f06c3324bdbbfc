"""platform.wrong-os: the image is for another operating system."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Use an image for Linux"),
        who=Who.POD_AUTHOR,
    )


RULE = Rule(
    code="platform.wrong-os",
    title="The image is for another operating system",
    remedy=remedy,
    decided_by="os in the config",
)
