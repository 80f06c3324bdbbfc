"""unpack.bad-tar: a layer is no tar archive."""

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
        if layer.problem is LayerProblem.BAD_TAR:
            return Proof((f"layer {layer.digest}: {layer.problem.value}",))
    return None


RULE = Rule(
    code="unpack.bad-tar",
    title="A layer is no tar archive",
    remedy=remedy,
    proof=proof,
    decided_by="the layer's bytes",
    signs=(mentions("archive/tar", "invalid tar header"),),
    look_alikes=(mentions("does not match config's diffid"),),
    about=("The layer can be decompressed and is no tar archive: it was built wrongly."),
    looks=(
        (
            "containerd",
            (
                "failed to extract layer (application/vnd.docker.image.rootfs.diff.tar.gzip "
                'sha256:72e0781aaf4d) to overlayfs as "extract-000000000-AAAA '
                'sha256:2d711642b726": mount callback failed on '
                "/var/lib/store/home/user/tmpmounts/containerd-mount000000000: archive/tar: "
                "invalid tar header"
            ),
        ),
        ("docker", "failed to register layer: archive/tar: invalid tar header"),
        (
            "podman",
            (
                'writing blob: layer 0 (blob "sha256:72e0781aaf4d"/""/"sha256:ca8f991fdfed") '
                'does not match config\'s DiffID "sha256:2d711642b726"'
            ),
        ),
    ),
)
