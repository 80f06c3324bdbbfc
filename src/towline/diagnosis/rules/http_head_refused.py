"""http.head-refused: the registry refuses HEAD requests."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import TO_REGISTRY
from towline.diagnosis.sign import mentions, says, status
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Allow HEAD at the gateway before {registry(facts)}"),
        who=Who.REGISTRY_ADMIN,
    )


RULE = Rule(
    code="http.head-refused",
    title="The registry refuses HEAD requests",
    remedy=remedy,
    proof=in_the_way("http.head-refused"),
    decided_by="HEAD and GET of the manifest",
    about=(
        "Something before the registry lets GET pass and not HEAD, with which most "
        "runtimes ask for the manifest's digest."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: unexpected status from HEAD request to "
                "https://hub.example/v2/team/app/manifests/1.0: 405 Method Not Allowed"
            ),
        ),
    ),
    signs=(
        TO_REGISTRY & status(405),
        TO_REGISTRY & says("method not allowed"),
    ),
    look_alikes=(TO_REGISTRY & status(403) & mentions("head request", "pulling from host"),),
)
