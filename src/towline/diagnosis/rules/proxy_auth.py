"""proxy.auth: the proxy wants a credential."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(
            f"Write user and password into the proxy's URL, or put {registry(facts)} into NO_PROXY"
        ),
        who=Who.PLATFORM,
    )


RULE = Rule(
    code="proxy.auth",
    title="The proxy wants a credential",
    remedy=remedy,
    decided_by="CONNECT by hand: 407",
)
