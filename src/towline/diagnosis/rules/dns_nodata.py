"""dns.nodata: the registry's name exists and has no address."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import NO_ADDRESS, NO_SUCH_NAME
from towline.diagnosis.sign import AT_REGISTRY
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Add an A record for {registry(facts)}"),
        who=Who.NETWORK_ADMIN,
    )


RULE = Rule(
    code="dns.nodata",
    title="The registry's name exists and has no address",
    remedy=remedy,
    proof=in_the_way("dns.nodata"),
    decided_by="the answer of each name server (no error, no address)",
    signs=(AT_REGISTRY & NO_ADDRESS,),
    look_alikes=(AT_REGISTRY & NO_SUCH_NAME,),
    about=(
        "The name exists, but not with an address of the asked kind. Runtimes print the"
        " same words as for a name that does not exist; only a raw query tells the two "
        "apart."
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
    ),
)
