"""auth.token-malformed: the token service answers without a token."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Mend the token service of {registry(facts)}"),
        who=Who.REGISTRY_ADMIN,
    )


RULE = Rule(
    code="auth.token-malformed",
    title="The token service answers without a token",
    remedy=remedy,
    decided_by="the token request",
)
