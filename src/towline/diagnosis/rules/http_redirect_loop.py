"""http.redirect-loop: the registry redirects in a circle."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import CIRCLE, TO_REGISTRY
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Mend the redirect of {registry(facts)}"),
        who=Who.REGISTRY_ADMIN,
    )


RULE = Rule(
    code="http.redirect-loop",
    title="The registry redirects in a circle",
    remedy=remedy,
    proof=in_the_way("http.redirect-loop"),
    decided_by="follow the redirects",
    signs=(TO_REGISTRY & CIRCLE,),
)
