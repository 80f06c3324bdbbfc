"""auth.realm-unreachable: the token host cannot be reached."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Give the token host the same name resolution, link and rules as {registry(facts)}"),
        who=Who.NETWORK_ADMIN,
    )


RULE = Rule(
    code="auth.realm-unreachable",
    title="The token host cannot be reached",
    remedy=remedy,
    decided_by="the same steps towards the token host",
)
