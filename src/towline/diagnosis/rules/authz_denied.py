"""authz.denied: the registry denies pull."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.subject import repository
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Give the account pull on {repository(facts)}"),
        who=Who.REGISTRY_ADMIN,
    )


RULE = Rule(
    code="authz.denied",
    title="The registry denies pull",
    remedy=remedy,
    decided_by="the JSON of the 403",
)
