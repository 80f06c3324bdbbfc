"""unpack.bad-tar: a layer is no tar archive."""

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
    code="unpack.bad-tar",
    title="A layer is no tar archive",
    remedy=remedy,
    decided_by="the layer's bytes",
)
