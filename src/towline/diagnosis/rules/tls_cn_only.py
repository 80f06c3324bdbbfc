"""tls.cn-only: the certificate has a common name and no subject alternative names."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import COMMON_NAME
from towline.diagnosis.sign import AT_REGISTRY
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Issue the certificate of {registry(facts)} with subject alternative names"),
        who=Who.REGISTRY_ADMIN,
    )


RULE = Rule(
    code="tls.cn-only",
    title="The certificate has a common name and no subject alternative names",
    remedy=remedy,
    proof=in_the_way("tls.cn-only"),
    decided_by="the names in the certificate",
    signs=(AT_REGISTRY & COMMON_NAME,),
)
