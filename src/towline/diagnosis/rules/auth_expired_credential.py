"""auth.expired-credential: the credential has expired."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Issue a new credential for {registry(facts)}"),
        who=Who.POD_AUTHOR,
    )


RULE = Rule(
    code="auth.expired-credential",
    title="The credential has expired",
    remedy=remedy,
    decided_by="the expiry in the credential",
)
