"""policy.rejected: a policy rejects the image."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.sign import mentions
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Use an image that the policy admits, or change the policy"),
        who=Who.PLATFORM,
    )


RULE = Rule(
    code="policy.rejected",
    title="A policy rejects the image",
    remedy=remedy,
    decided_by="the policy file",
    signs=(
        mentions(
            "rejected by policy",
            "image policy webhook",
            "denied the request",
            "signaturevalidationfailed policy",
        ),
        mentions("source image rejected") & ~mentions("signature"),
    ),
    about=(
        "A policy of the node (policy.json, or an admission webhook) does not let the image in."
    ),
    looks=(
        (
            "podman",
            (
                "Source image rejected: Running image docker://hub.example/team/app:1.0 is "
                "rejected by policy."
            ),
        ),
    ),
)
