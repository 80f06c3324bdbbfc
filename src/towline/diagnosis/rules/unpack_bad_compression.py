"""unpack.bad-compression: a layer does not decompress."""

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
    code="unpack.bad-compression",
    title="A layer does not decompress",
    remedy=remedy,
    decided_by="the layer's bytes",
)
