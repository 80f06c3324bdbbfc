"""auth.token-forbidden: the token service refuses (403)."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.subject import repository
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Give the account the right to pull from {repository(facts)}"),
        who=Who.REGISTRY_ADMIN,
    )


RULE = Rule(
    code="auth.token-forbidden",
    title="The token service refuses (403)",
    remedy=remedy,
    decided_by="the token request",
)
