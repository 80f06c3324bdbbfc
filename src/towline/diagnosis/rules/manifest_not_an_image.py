"""manifest.not-an-image: it is an artifact, not an image."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.seen_manifest import image_manifest
from towline.diagnosis.sign import mentions
from towline.diagnosis.subject import repository
from towline.diagnosis.verdict import Remedy, Who
from towline.oci.media_type import CONFIGS

_OF_EARLY_PUSHES = "application/octet-stream"  # docker's before 1.10.3; runtimes read it still


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(
            "Use it with the tool that it is for (helm pull "
            f"oci://{repository(facts)}), and name an image here"
        ),
        who=Who.POD_AUTHOR,
    )


def proof(facts: Facts) -> Proof | None:
    """Its config is none of an image."""
    manifest = image_manifest(facts.seen)
    if manifest is None or not manifest.config_media_type or manifest.unreadable:
        return None
    if manifest.config_media_type in CONFIGS:
        return None
    if manifest.config_media_type == _OF_EARLY_PUSHES and not manifest.artifact_type:
        return None
    kind = manifest.artifact_type or manifest.config_media_type
    return Proof((f"what {manifest.target} names is of the type {kind}",))


RULE = Rule(
    code="manifest.not-an-image",
    title="It is an artifact, not an image",
    remedy=remedy,
    proof=proof,
    decided_by="the config's media type",
    about=(
        "Registries also keep Helm charts, signatures and other artifacts. containerd "
        "pulls them without complaint and the pod fails later."
    ),
    looks=(
        ("docker", "unsupported media type application/vnd.cncf.helm.config.v1+json"),
        (
            "podman",
            (
                "parsing image configuration: unsupported image-specific operation on artifact "
                'with type "application/vnd.cncf.helm.config.v1+json"'
            ),
        ),
    ),
    signs=(
        mentions("cncf.helm", "image-specific operation on artifact", "unsupported artifact type"),
        mentions("mismatched image rootfs") & ~mentions("layer.v"),
    ),
    look_alikes=(mentions("number of layers and diffids don't match", "unmarshal image config"),),
)
