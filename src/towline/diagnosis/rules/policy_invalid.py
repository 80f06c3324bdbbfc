"""policy.invalid: the policy file cannot be read."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.sign import mentions
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Correct the policy file"),
        who=Who.PLATFORM,
    )


RULE = Rule(
    code="policy.invalid",
    title="The policy file cannot be read",
    remedy=remedy,
    decided_by="the policy file",
    signs=(mentions("invalid policy in", "policy.json"),),
    about=("The policy file itself cannot be read, so that no image is let in."),
    looks=(("cri-o", 'invalid policy in "/etc/containers/policy.json": Unknown key "keyPaths"'),),
)
