"""tls.timeout: the server accepts connections and never answers the TLS handshake."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import HANDSHAKE_SILENT, TO_REGISTRY
from towline.diagnosis.sign import ODD_PORT
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Look at the listener of {registry(facts)}: it hangs"),
        who=Who.REGISTRY_ADMIN,
        retry_helps=True,
    )


RULE = Rule(
    code="tls.timeout",
    title="The server accepts connections and never answers the TLS handshake",
    remedy=remedy,
    proof=in_the_way("tls.timeout"),
    decided_by="a handshake, one with small segments, and a plain request: no answer to any",
    signs=(TO_REGISTRY & HANDSHAKE_SILENT & ~ODD_PORT,),
    look_alikes=(TO_REGISTRY & HANDSHAKE_SILENT,),
    about=(
        "The port accepts connections and then says nothing. A hanging server, a port "
        "of something else that waits for the client, or lost big packets look the "
        "same."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: failed to do request: Head "
                '"https://hub.example/v2/team/app/manifests/1.0": net/http: TLS handshake '
                "timeout"
            ),
        ),
        (
            "docker",
            (
                'Error response from daemon: Get "https://hub.example/v2/": net/http: TLS '
                "handshake timeout"
            ),
        ),
        (
            "podman",
            (
                'pinging container registry hub.example: Get "https://hub.example/v2/": '
                "net/http: TLS handshake timeout"
            ),
        ),
    ),
)
