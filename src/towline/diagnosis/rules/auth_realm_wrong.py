"""auth.realm-wrong: the token host that the registry names is none."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Correct the realm in the configuration of {registry(facts)}"),
        who=Who.REGISTRY_ADMIN,
    )


RULE = Rule(
    code="auth.realm-wrong",
    title="The token host that the registry names is none",
    remedy=remedy,
    decided_by="the answer at the realm",
)
