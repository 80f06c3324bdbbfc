"""auth.wrong-credential: the credential is refused."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Correct or rotate the key for {registry(facts)}"),
        who=Who.POD_AUTHOR,
    )


RULE = Rule(
    code="auth.wrong-credential",
    title="The credential is refused",
    remedy=remedy,
    decided_by="a token request without scope, with the same key: 401",
)
