"""runtime.exec-format: the program is for another architecture."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.sign import mentions
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Build {image(facts)} for this architecture"),
        who=Who.POD_AUTHOR,
    )


RULE = Rule(
    code="runtime.exec-format",
    title="The program is for another architecture",
    remedy=remedy,
    decided_by="architecture in the config",
    signs=(mentions("exec format error"),),
    about=(
        "The kernel cannot run the program: it is built for another architecture. The "
        "image was pulled without complaint because it has no index."
    ),
    looks=(("kubelet", "exec /app: exec format error"),),
)
