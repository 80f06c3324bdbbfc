"""manifest.too-large: the manifest is larger than runtimes accept (4 MiB)."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Build {image(facts)} with fewer annotations or layers"),
        who=Who.POD_AUTHOR,
    )


RULE = Rule(
    code="manifest.too-large",
    title="The manifest is larger than runtimes accept (4 MiB)",
    remedy=remedy,
    decided_by="the manifest's size",
)
