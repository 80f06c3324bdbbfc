"""blob.stalled: the blob's transfer stops without an end."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Look at the blob store and at what stands between"),
        who=Who.NETWORK_ADMIN,
        retry_helps=True,
    )


RULE = Rule(
    code="blob.stalled",
    title="The blob's transfer stops without an end",
    remedy=remedy,
    decided_by="whether bytes still come",
)
