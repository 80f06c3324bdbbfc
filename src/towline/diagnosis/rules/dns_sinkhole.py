"""dns.sinkhole: the registry's name leads to a loopback or zero address."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import HTTP_ANSWER, LOCAL_IMAGE, NOT_BELIEVED, NOT_CONNECTED
from towline.diagnosis.sign import AT_REGISTRY, THIS_MACHINE
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(
            f"Remove the hosts entry, hostAlias or DNS filter that points {registry(facts)} there"
        ),
        who=Who.NETWORK_ADMIN,
    )


RULE = Rule(
    code="dns.sinkhole",
    title="The registry's name leads to a loopback or zero address",
    remedy=remedy,
    proof=in_the_way("dns.sinkhole"),
    decided_by="the address that the name resolves to",
    signs=(AT_REGISTRY & THIS_MACHINE & NOT_CONNECTED & ~LOCAL_IMAGE,),
    look_alikes=(AT_REGISTRY & THIS_MACHINE & (HTTP_ANSWER | NOT_BELIEVED) & ~LOCAL_IMAGE,),
    about=(
        "The name leads to loopback or to 0.0.0.0, which is this machine: a line of the"
        " hosts file (hostAliases of the pod), or a name server that filters. What then"
        " refuses the connection is no registry."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: failed to do request: Head "
                '"https://hub.example/v2/team/app/manifests/1.0": dial tcp 127.0.0.1:443: '
                "connect: connection refused"
            ),
        ),
        (
            "docker",
            (
                'Error response from daemon: Get "http://hub.example/v2/": dial tcp '
                "127.0.0.1:80: connect: connection refused"
            ),
        ),
        (
            "podman",
            (
                'pinging container registry hub.example: Get "https://hub.example/v2/": dial '
                "tcp 127.0.0.1:443: connect: connection refused"
            ),
        ),
    ),
)
