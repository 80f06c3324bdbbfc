"""manifest.bad-config: the image's config is not readable."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.saying import PAGE, XML
from towline.diagnosis.sign import LAYERS_BEGUN, is_just, mentions, says
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Push {image(facts)} again"),
        who=Who.POD_AUTHOR,
    )


def proof(facts: Facts) -> Proof | None:
    """The config came as the manifest names it, and is none."""
    config = facts.seen.config if facts.seen else None
    if config is None or config.seen_digest != config.digest:
        return None
    if config.unreadable:
        return Proof((f"config {config.digest}: {config.unreadable}",))
    if config.diff_ids != config.layers:
        counts = f"{config.diff_ids} diff IDs, the manifest {config.layers} layers"
        return Proof((f"config {config.digest} has {counts}",))
    return None


RULE = Rule(
    code="manifest.bad-config",
    title="The image's config is not readable",
    remedy=remedy,
    proof=proof,
    decided_by="the config's JSON",
    signs=(
        mentions(
            "unmarshal image config",
            "resolve rootfs: ",
            "parsing image configuration: unexpected",
            "parsing image configuration: invalid",
        ),
        LAYERS_BEGUN & says("unexpected end of json input", "invalid character") & ~PAGE & ~XML,
        mentions(
            "number of layers and diffids don't match", "invalid image config", "image config: "
        ),
        is_just("unexpected end of json input"),
    ),
    look_alikes=(mentions("mismatched image rootfs"),),
    about=(
        "The config blob, which says how the image is run and what its layers contain, "
        "cannot be read."
    ),
    looks=(
        ("containerd", "unmarshal image config: unexpected end of JSON input"),
        ("docker", "unexpected end of JSON input"),
        ("podman", "parsing image configuration: unexpected end of JSON input"),
    ),
)
