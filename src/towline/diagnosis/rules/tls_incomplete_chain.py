"""tls.incomplete-chain: the registry does not send its intermediate certificate."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import UNKNOWN_AUTHORITY
from towline.diagnosis.sign import AT_REGISTRY
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Configure {registry(facts)} to send the whole chain"),
        who=Who.REGISTRY_ADMIN,
    )


RULE = Rule(
    code="tls.incomplete-chain",
    title="The registry does not send its intermediate certificate",
    remedy=remedy,
    proof=in_the_way("tls.incomplete-chain"),
    decided_by="the chain that the server sends: one certificate, issued by another",
    look_alikes=(AT_REGISTRY & UNKNOWN_AUTHORITY,),
)
