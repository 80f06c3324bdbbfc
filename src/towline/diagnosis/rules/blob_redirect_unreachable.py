"""blob.redirect-unreachable: the host that the blobs are redirected to cannot be reached."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(
            "Give the blob host name resolution and a way, or turn redirects "
            f"off at {registry(facts)}"
        ),
        who=Who.NETWORK_ADMIN,
    )


RULE = Rule(
    code="blob.redirect-unreachable",
    title="The host that the blobs are redirected to cannot be reached",
    remedy=remedy,
    decided_by="the same steps towards the blob host",
)
