"""policy.signature-missing: a policy wants a signature, and there is none."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.sign import mentions
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Sign {image(facts)}, or change the policy"),
        who=Who.PLATFORM,
    )


RULE = Rule(
    code="policy.signature-missing",
    title="A policy wants a signature, and there is none",
    remedy=remedy,
    decided_by="the policy file and the signatures",
    signs=(
        mentions(
            "no signature exists",
            "signature was required",
            "no matching signatures",
            "no signatures found",
        ),
    ),
    about=(
        "The policy wants a signature of this registry's images, and there is none "
        "beside the image."
    ),
    looks=(("podman", "Source image rejected: A signature was required, but no signature exists"),),
)
