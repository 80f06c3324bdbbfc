"""reference.invalid: the image is not written as a reference can be."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(
            "Write the image as host[:port]/path[:tag][@sha256:64 hex "
            "digits], the path in lower case, without a scheme or blanks"
        ),
        who=Who.POD_AUTHOR,
    )


RULE = Rule(
    code="reference.invalid",
    title="The image is not written as a reference can be",
    remedy=remedy,
    decided_by="parse the reference; no request is needed",
)
