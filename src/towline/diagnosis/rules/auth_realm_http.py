"""auth.realm-http: the registry names its token host without TLS."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Configure the realm of {registry(facts)} with https://"),
        who=Who.REGISTRY_ADMIN,
    )


RULE = Rule(
    code="auth.realm-http",
    title="The registry names its token host without TLS",
    remedy=remedy,
    decided_by="the realm in the challenge",
)
