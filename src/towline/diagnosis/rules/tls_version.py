"""tls.version: the registry speaks only TLS versions that are not accepted any more."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import HANDSHAKE_REFUSED, OLD_TLS
from towline.diagnosis.sign import AT_REGISTRY, says
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Enable TLS 1.2 or newer at {registry(facts)}"),
        who=Who.REGISTRY_ADMIN,
    )


RULE = Rule(
    code="tls.version",
    title="The registry speaks only TLS versions that are not accepted any more",
    remedy=remedy,
    proof=in_the_way("tls.version"),
    decided_by="a handshake with each version",
    signs=(AT_REGISTRY & OLD_TLS & ~says("protocol scheme"),),
    look_alikes=(AT_REGISTRY & HANDSHAKE_REFUSED,),
    about=("The registry speaks TLS 1.0 or 1.1 at most; Go asks for 1.2 or later."),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: failed to do request: Head "
                '"https://hub.example/v2/team/app/manifests/1.0": remote error: tls: protocol '
                "version not supported"
            ),
        ),
        (
            "docker",
            (
                'Error response from daemon: Get "https://hub.example/v2/": remote error: tls: '
                "protocol version not supported"
            ),
        ),
        (
            "podman",
            (
                'pinging container registry hub.example: Get "https://hub.example/v2/": remote '
                "error: tls: protocol version not supported"
            ),
        ),
    ),
)
