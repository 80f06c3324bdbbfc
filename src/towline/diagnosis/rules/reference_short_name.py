"""reference.short-name: the image names no registry, so the runtime asks its default one."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Write the registry's host in front of {image(facts)}: host/path:tag"),
        who=Who.POD_AUTHOR,
    )


RULE = Rule(
    code="reference.short-name",
    title="The image names no registry, so the runtime asks its default one",
    remedy=remedy,
    decided_by="whether a dot, a colon or localhost stands before the first slash",
)
