"""unpack.unsupported-layer: a layer has a media type that the runtime does not know."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Push {image(facts)} again with gzip or zstd layers"),
        who=Who.POD_AUTHOR,
    )


RULE = Rule(
    code="unpack.unsupported-layer",
    title="A layer has a media type that the runtime does not know",
    remedy=remedy,
    decided_by="the layers' media types",
)
