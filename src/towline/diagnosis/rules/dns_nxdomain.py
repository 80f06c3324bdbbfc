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
    about=(
        "The name server that was asked is sure that the name does not exist. A name "
        "that exists elsewhere is often private: it is known in a private zone, or in "
        "networks that have a link to the registry, and the pod asks another server."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: failed to do request: Head "
                '"https://hub.example/v2/team/app/manifests/1.0": dial tcp: lookup hub.example '
                "on 10.0.0.2:53: no such host"
            ),
        ),
        (
            "docker",
            (
                'Error response from daemon: Get "https://hub.example/v2/": dial tcp: lookup '
                "hub.example on 10.0.0.2:53: no such host"
            ),
        ),
    ),
)
