"""platform.no-match: the image has no variant for this platform."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.seen_platform import wanted
from towline.diagnosis.sign import mentions
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(
            f"Build {image(facts)} for {wanted(facts, 'this platform')}, or run on one that it has"
        ),
        who=Who.POD_AUTHOR,
    )


def proof(facts: Facts) -> Proof | None:
    """The index names other platforms only."""
    children = facts.seen.manifest.children if facts.seen and facts.seen.manifest else ()
    if facts.seen is None or not children or any(child.fits for child in children):
        return None
    has = ", ".join(dict.fromkeys(child.platform for child in children if child.platform))
    return Proof((f"the image is for {has}; {facts.seen.platform} is wanted",))


RULE = Rule(
    code="platform.no-match",
    title="The image has no variant for this platform",
    remedy=remedy,
    proof=proof,
    decided_by="the platforms of the index",
    signs=(
        mentions(
            "no match for platform",
            "no matching manifest",
            "no child with platform",
            "no image found in manifest list",
            "no image found in image index",
        ),
    ),
    about=("The index has no entry for the node's system and architecture."),
    looks=(
        (
            "containerd",
            (
                "get image config descriptor: no match for platform in manifest "
                "sha256:18bf8bf8771d: not found"
            ),
        ),
        ("docker", "no matching manifest for linux/amd64 in the manifest list entries"),
        (
            "podman",
            (
                "choosing an image from manifest list docker://hub.example/team/app:1.0: no "
                'image found in manifest list for architecture "amd64", variant "", OS "linux"'
            ),
        ),
    ),
)
