"""unpack.diffid-mismatch: a layer unpacks to something else than the config says."""

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
    code="unpack.diffid-mismatch",
    title="A layer unpacks to something else than the config says",
    remedy=remedy,
    decided_by="the digest of the unpacked layer",
)
