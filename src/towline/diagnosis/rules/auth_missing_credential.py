"""auth.missing-credential: no credential was sent."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(
            f"Add an image pull secret for {registry(facts)} to the pod's "
            "namespace, and name it in imagePullSecrets"
        ),
        who=Who.POD_AUTHOR,
    )


RULE = Rule(
    code="auth.missing-credential",
    title="No credential was sent",
    remedy=remedy,
    decided_by="whether a secret for this host exists in the namespace",
)
