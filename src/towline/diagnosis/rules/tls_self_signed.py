"""tls.self-signed: the registry's certificate is self-signed."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import SELF_SIGNED, TOO_LATE, UNKNOWN_AUTHORITY
from towline.diagnosis.sign import AT_REGISTRY
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(
            "Trust this certificate "
            "(towline.dev/registry-certificate-sha256), or annotate the pod "
            "with eks.tke.cloud.tencent.com/registry-insecure-skip-verify: "
            f"{registry(facts)}"
        ),
        who=Who.POD_AUTHOR,
    )


RULE = Rule(
    code="tls.self-signed",
    title="The registry's certificate is self-signed",
    remedy=remedy,
    proof=in_the_way("tls.self-signed"),
    decided_by="the certificate's issuer is its own subject",
    signs=(AT_REGISTRY & SELF_SIGNED,),
    look_alikes=(AT_REGISTRY & (UNKNOWN_AUTHORITY | TOO_LATE),),
)
