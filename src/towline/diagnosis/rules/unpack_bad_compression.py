"""unpack.bad-compression: a layer does not decompress."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.observation import LayerProblem
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.saying import CLOSED, OLD_UNPACKING, UNPACKING
from towline.diagnosis.sign import FOR_BLOB, is_all, mentions
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
        if layer.problem is LayerProblem.BAD_COMPRESSION:
            return Proof((f"layer {layer.digest}: {layer.problem.value}",))
    return None


RULE = Rule(
    code="unpack.bad-compression",
    title="A layer does not decompress",
    remedy=remedy,
    proof=proof,
    decided_by="the layer's bytes",
    about=(
        "The digest is right and the content is not: the layer was damaged before it was pushed."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to extract layer (application/vnd.docker.image.rootfs.diff.tar.gzip "
                'sha256:81ea09e13ef8) to overlayfs as "extract-000000000-AAAA '
                'sha256:84afe534c102": unexpected EOF'
            ),
        ),
        ("docker", "layers from manifest don't match image configuration"),
        (
            "podman",
            (
                "writing blob: storing blob to file "
                '"/var/tmp/container_images_storage000000000/1": unexpected EOF'
            ),
        ),
    ),
    signs=(
        mentions(
            "gzip: ",
            "flate: ",
            "zstd: ",
            "unpigz",
            "deflate data",
            "magic number mismatch",
            "invalid compressed",
            "corrupt input",
        ),
        UNPACKING & CLOSED & ~OLD_UNPACKING,
        mentions("storing blob to file") & CLOSED & ~mentions("happened during read"),
    ),
    look_alikes=(
        OLD_UNPACKING & CLOSED,
        ~FOR_BLOB & is_all("unexpected eof"),
        mentions("invalid tar header"),
        mentions("layers from manifest don't match image configuration"),
    ),
)
