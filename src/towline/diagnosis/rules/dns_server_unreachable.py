"""dns.server-unreachable: the name server cannot be reached."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import (
    NAME_SERVER_AWAY,
    NAME_SERVER_BUSY,
    NAME_SERVER_FAILS,
    NAME_SERVER_SILENT,
)
from towline.diagnosis.sign import AT_REGISTRY
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(
            "Open UDP and TCP port 53 to the name server and give it a "
            "route, or use one that can be reached"
        ),
        who=Who.NETWORK_ADMIN,
    )


RULE = Rule(
    code="dns.server-unreachable",
    title="The name server cannot be reached",
    remedy=remedy,
    proof=in_the_way("dns.server-unreachable"),
    decided_by="a question by UDP to each name server",
    about=(
        "The question cannot leave the machine, or a router sends it back: no route, no"
        " interface, or a rule that rejects it."
    ),
    looks=(
        (
            "containerd",
            (
                "dial tcp: lookup hub.example on 10.0.0.3:53: dial udp 10.0.0.3:53: connect: "
                "network is unreachable"
            ),
        ),
    ),
    signs=(AT_REGISTRY & NAME_SERVER_AWAY,),
    look_alikes=(AT_REGISTRY & (NAME_SERVER_SILENT | NAME_SERVER_BUSY | NAME_SERVER_FAILS),),
)
