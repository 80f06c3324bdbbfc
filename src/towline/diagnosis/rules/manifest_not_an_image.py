"""manifest.not-an-image: it is an artifact, not an image."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.subject import repository
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(
            "Use it with the tool that it is for (helm pull "
            f"oci://{repository(facts)}), and name an image here"
        ),
        who=Who.POD_AUTHOR,
    )


RULE = Rule(
    code="manifest.not-an-image",
    title="It is an artifact, not an image",
    remedy=remedy,
    decided_by="the config's media type",
)
