"""tls.expired: the registry's certificate has expired."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import OUT_OF_TIME, TOO_EARLY
from towline.diagnosis.sign import AT_REGISTRY
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Renew the certificate of {registry(facts)}"),
        who=Who.REGISTRY_ADMIN,
    )


RULE = Rule(
    code="tls.expired",
    title="The registry's certificate has expired",
    remedy=remedy,
    proof=in_the_way("tls.expired"),
    decided_by="its dates, against the registry's own Date header",
    signs=(AT_REGISTRY & OUT_OF_TIME & ~TOO_EARLY,),
)
