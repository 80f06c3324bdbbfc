"""unpack.unsupported-layer: a layer has a media type that the runtime does not know."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.seen_manifest import image_manifest
from towline.diagnosis.sign import mentions
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who
from towline.oci.media_type import CONFIGS, layer_compression


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Push {image(facts)} again with gzip or zstd layers"),
        who=Who.POD_AUTHOR,
    )


def proof(facts: Facts) -> Proof | None:
    """A layer of a type that no runtime unpacks, in what is an image otherwise."""
    manifest = image_manifest(facts.seen)
    if facts.seen is None or manifest is None or manifest.config_media_type not in CONFIGS:
        return None
    for layer in facts.seen.layers:
        if layer_compression(layer.media_type) is None:
            return Proof((f"layer {layer.digest} is of the type {layer.media_type}",))
    return None


RULE = Rule(
    code="unpack.unsupported-layer",
    title="A layer has a media type that the runtime does not know",
    remedy=remedy,
    proof=proof,
    decided_by="the layers' media types",
    about=(
        "The layer's media type is none that the runtime can unpack. containerd 2.1 "
        "leaves such layers out without a word."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to unpack image on snapshotter overlayfs: mismatched image rootfs and "
                "manifest layers"
            ),
        ),
        ("docker", "unsupported media type application/vnd.example.layer.v9+lz4"),
        (
            "podman",
            (
                "initializing image from source docker://hub.example/team/app:1.0: unsupported "
                'docker v2s2 media type: "application/vnd.example.layer.v9+lz4"'
            ),
        ),
    ),
    signs=(
        mentions(
            "no processor for media-type",
            "stream processor",
            "unsupported layer",
            "unknown layer media type",
        ),
        mentions(
            "unsupported media type",
            "docker v2s2 media type",
            "unsupported mediatype",
            "unsupported mime type",
        )
        & mentions("layer", "rootfs"),
    ),
    look_alikes=(mentions("mismatched image rootfs", "number of layers and diffids don't match"),),
)
