"""auth.invalid-token: the registry does not accept the token of its own token service."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Compare keys and clocks of registry and token service"),
        who=Who.REGISTRY_ADMIN,
        retry_helps=True,
    )


RULE = Rule(
    code="auth.invalid-token",
    title="The registry does not accept the token of its own token service",
    remedy=remedy,
    decided_by="the registry's answer to a fresh token",
)
