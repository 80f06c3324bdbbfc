"""auth.no-challenge: the registry asks for a credential without saying how."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Let WWW-Authenticate pass through the proxy before {registry(facts)}"),
        who=Who.REGISTRY_ADMIN,
    )


RULE = Rule(
    code="auth.no-challenge",
    title="The registry asks for a credential without saying how",
    remedy=remedy,
    decided_by="the header of the 401",
)
