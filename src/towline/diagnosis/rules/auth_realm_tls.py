"""auth.realm-tls: the token host's certificate is not trusted."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Give the runtime the authority of the token host's certificate"),
        who=Who.PLATFORM,
    )


RULE = Rule(
    code="auth.realm-tls",
    title="The token host's certificate is not trusted",
    remedy=remedy,
    decided_by="a handshake with the token host",
)
