"""net.timeout.private-ip: the registry's private address does not answer."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import DEADLINE, SILENT, TO_REGISTRY, WAITING_FOR_CONNECTION
from towline.diagnosis.sign import AT_REGISTRY, HANGS, LAYERS_BEGUN, PRIVATE
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(
            "Create the private network access link or allow TCP to the "
            "address from this subnet; look whether the record is a stale one"
        ),
        who=Who.NETWORK_ADMIN,
    )


RULE = Rule(
    code="net.timeout.private-ip",
    title="The registry's private address does not answer",
    remedy=remedy,
    proof=in_the_way("net.timeout.private-ip"),
    decided_by="a connection to the address, compared with the link's own",
    signs=(
        AT_REGISTRY & SILENT & PRIVATE,
        WAITING_FOR_CONNECTION & TO_REGISTRY,
    ),
    look_alikes=(
        DEADLINE,
        AT_REGISTRY & SILENT,
        HANGS & ~LAYERS_BEGUN,
    ),
    about=(
        "The name leads to a private address and nothing answers there: there is no "
        "link from this network, the record is an old one, a security group drops it, "
        "or the route is missing. That an address is private no text can tell for sure:"
        " networks may use public ranges as their own."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: failed to do request: Head "
                '"https://hub.example/v2/team/app/manifests/1.0": dial tcp 10.0.0.5:443: i/o '
                "timeout"
            ),
        ),
        (
            "docker",
            (
                'Error response from daemon: Get "https://hub.example/v2/": net/http: request '
                "canceled while waiting for connection (Client.Timeout exceeded while awaiting "
                "headers)"
            ),
        ),
        (
            "podman",
            (
                'pinging container registry hub.example: Get "https://hub.example/v2/": dial '
                "tcp 10.0.0.5:443: i/o timeout"
            ),
        ),
    ),
)
