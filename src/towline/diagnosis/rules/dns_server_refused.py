"""dns.server-refused: nothing listens at the name server's port 53."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import NAME_SERVER_CLOSED, NAME_SERVER_SILENT, NO_SERVER_NAMED
from towline.diagnosis.sign import AT_REGISTRY
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Start the name server or correct its address in resolv.conf"),
        who=Who.NETWORK_ADMIN,
    )


RULE = Rule(
    code="dns.server-refused",
    title="Nothing listens at the name server's port 53",
    remedy=remedy,
    proof=in_the_way("dns.server-refused"),
    decided_by="a question by UDP to each name server",
    signs=(AT_REGISTRY & NAME_SERVER_CLOSED & ~NO_SERVER_NAMED,),
    look_alikes=(AT_REGISTRY & (NAME_SERVER_SILENT | NAME_SERVER_CLOSED),),
    about=(
        "The machine with the name server's address answers, but no name server runs "
        "there. Under load the answers (ICMP) are limited in rate, and the same fault "
        "reads as a timeout."
    ),
    looks=(
        (
            "containerd",
            (
                "dial tcp: lookup hub.example on 10.0.0.3:53: read udp "
                "10.0.1.9:40001->10.0.0.3:53: read: connection refused"
            ),
        ),
    ),
)
