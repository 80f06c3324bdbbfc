"""tls.not-yet-valid: the registry's certificate is not valid yet."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import OUT_OF_TIME, TOO_EARLY, TOO_LATE
from towline.diagnosis.sign import AT_REGISTRY
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Issue the certificate of {registry(facts)} anew, or wait"),
        who=Who.REGISTRY_ADMIN,
    )


RULE = Rule(
    code="tls.not-yet-valid",
    title="The registry's certificate is not valid yet",
    remedy=remedy,
    proof=in_the_way("tls.not-yet-valid"),
    decided_by="its dates, against the registry's own Date header",
    signs=(AT_REGISTRY & TOO_EARLY,),
    look_alikes=(AT_REGISTRY & OUT_OF_TIME & ~TOO_LATE,),
)
