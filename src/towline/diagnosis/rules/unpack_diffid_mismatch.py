"""unpack.diffid-mismatch: a layer unpacks to something else than the config says."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.observation import LayerProblem
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.sign import mentions
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Push {image(facts)} again"),
        who=Who.POD_AUTHOR,
    )


def proof(facts: Facts) -> Proof | None:
    """Its bytes are those that were pushed, and wrong from the beginning."""
    for layer in facts.seen.layers if facts.seen else ():
        if layer.problem is LayerProblem.OTHER_DIFF_ID:
            return Proof((f"layer {layer.digest}: {layer.problem.value}",))
    return None


RULE = Rule(
    code="unpack.diffid-mismatch",
    title="A layer unpacks to something else than the config says",
    remedy=remedy,
    proof=proof,
    decided_by="the digest of the unpacked layer",
    signs=(
        mentions(
            "wrong diff id",
            "does not match config's diffid",
            "layers from manifest don't match image configuration",
        ),
    ),
    about=(
        "The image's config names the digest of each decompressed layer, and it is "
        "another. A tool has changed layers without the config; podman 4.3 does not "
        "notice."
    ),
    looks=(
        (
            "containerd",
            (
                'failed to pull and unpack image "hub.example/team/app:1.0": wrong diff id '
                'calculated on extraction "sha256:f41f3fa625ff"'
            ),
        ),
        ("docker", "layers from manifest don't match image configuration"),
        (
            "podman",
            (
                'writing blob: layer 0 (blob "sha256:3f28137740e0"/""/"sha256:e9fa26e149c8") '
                'does not match config\'s DiffID "sha256:f41f3fa625ff"'
            ),
        ),
    ),
)
