"""auth.credential-provider: the credential provider failed."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.sign import mentions
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Look at the provider's log"),
        who=Who.PLATFORM,
        retry_helps=True,
    )


RULE = Rule(
    code="auth.credential-provider",
    title="The credential provider failed",
    remedy=remedy,
    decided_by="the provider's exit",
    signs=(
        mentions(
            "credential provider",
            "error getting credentials",
            "get credentials from plugin",
            "docker-credential-",
            "exec plugin",
        ),
    ),
    about=(
        "The kubelet's plug-in (or docker's credential helper) that should have brought"
        " the credential failed, so none was sent."
    ),
    looks=(
        (
            "kubelet",
            (
                "Failed to get credentials from plugin: exec plugin: error executing credential"
                " provider plugin: exit status 1"
            ),
        ),
    ),
)
