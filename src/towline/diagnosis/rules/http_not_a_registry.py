"""http.not-a-registry: what answers there is no registry."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Correct host and port of {image(facts)}: a web page answers there"),
        who=Who.POD_AUTHOR,
    )


RULE = Rule(
    code="http.not-a-registry",
    title="What answers there is no registry",
    remedy=remedy,
    proof=in_the_way("http.not-a-registry"),
    decided_by="GET /v2/: neither 200 with JSON nor 401, no Docker-Distribution-Api-Version",
)
