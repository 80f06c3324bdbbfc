"""dns.nxdomain: the registry's name does not exist in the zone that is asked."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import NO_SUCH_NAME, SHORT_NAME
from towline.diagnosis.sign import AT_REGISTRY
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(
            f"Turn on private domain resolution for {registry(facts)} in the "
            "pod's VPC, or correct the name"
        ),
        who=Who.NETWORK_ADMIN,
    )


RULE = Rule(
    code="dns.nxdomain",
    title="The registry's name does not exist in the zone that is asked",
    remedy=remedy,
    proof=in_the_way("dns.nxdomain"),
    decided_by="the response code of each name server (NXDOMAIN)",
    signs=(AT_REGISTRY & NO_SUCH_NAME & ~SHORT_NAME,),
    look_alikes=(AT_REGISTRY & NO_SUCH_NAME,),
)
