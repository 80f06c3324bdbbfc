"""tls.http-server: the registry speaks plain HTTP."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(
            "Annotate the pod with "
            "eks.tke.cloud.tencent.com/registry-http-endpoint: "
            f"{registry(facts)}"
        ),
        who=Who.POD_AUTHOR,
    )


RULE = Rule(
    code="tls.http-server",
    title="The registry speaks plain HTTP",
    remedy=remedy,
    proof=in_the_way("tls.http-server"),
    decided_by="a plain GET /v2/ is answered",
)
