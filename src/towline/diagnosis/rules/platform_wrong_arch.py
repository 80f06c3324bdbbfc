"""platform.wrong-arch: the image is for another architecture."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.seen_platform import platforms, wanted
from towline.diagnosis.sign import mentions
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Build {image(facts)} for {wanted(facts, 'this architecture')}"),
        who=Who.POD_AUTHOR,
    )


def proof(facts: Facts) -> Proof | None:
    """The config is for another processor."""
    pair = platforms(facts.seen)
    if pair is None or pair.image_os != pair.wanted_os or pair.runs:
        return None
    return Proof((pair.line,))


RULE = Rule(
    code="platform.wrong-arch",
    title="The image is for another architecture",
    remedy=remedy,
    proof=proof,
    decided_by="architecture in the config",
    signs=(mentions("does not match the specified platform", "image architecture"),),
    look_alikes=(
        mentions("exec format error"),
        mentions("does not match the detected host platform"),
    ),
    about=(
        "An image without an index is pulled whatever it is built for, by every "
        "runtime, and fails when it starts."
    ),
    looks=(
        (
            "docker",
            (
                "image with reference hub.example/team/app:1.0 was found but does not match the"
                " specified platform: wanted linux/amd64, actual: linux/arm64"
            ),
        ),
        ("kubelet", "exec /app: exec format error"),
    ),
)
