"""manifest.digest-mismatch: the manifest is not the one that its digest says."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Clear the cache before {registry(facts)}, or push again"),
        who=Who.REGISTRY_ADMIN,
    )


RULE = Rule(
    code="manifest.digest-mismatch",
    title="The manifest is not the one that its digest says",
    remedy=remedy,
    decided_by="the manifest's own digest",
)
