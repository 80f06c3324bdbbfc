"""platform.wrong-os: the image is for another operating system."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.seen_platform import platforms
from towline.diagnosis.sign import mentions
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Use an image for Linux"),
        who=Who.POD_AUTHOR,
    )


def proof(facts: Facts) -> Proof | None:
    """The config is for another operating system."""
    pair = platforms(facts.seen)
    if pair is None or pair.image_os == pair.wanted_os:
        return None
    return Proof((pair.line,))


RULE = Rule(
    code="platform.wrong-os",
    title="The image is for another operating system",
    remedy=remedy,
    proof=proof,
    decided_by="os in the config",
    signs=(
        mentions(
            "image operating system", "cannot be used on this platform", "cannot load windows image"
        ),
    ),
    about=(
        "The image is for Windows, say. An image without an index is pulled all the "
        "same and cannot be started."
    ),
    looks=(("docker", 'image operating system "windows" cannot be used on this platform'),),
)
