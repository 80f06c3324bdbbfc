"""unpack.zstd-unsupported: the runtime is too old for zstd layers."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Update the runtime, or push {image(facts)} with gzip layers"),
        who=Who.PLATFORM,
    )


RULE = Rule(
    code="unpack.zstd-unsupported",
    title="The runtime is too old for zstd layers",
    remedy=remedy,
    decided_by="the layers' media types and the runtime's version",
)
