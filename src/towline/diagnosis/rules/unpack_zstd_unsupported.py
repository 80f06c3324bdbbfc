"""unpack.zstd-unsupported: the runtime is too old for zstd layers."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.saying import CLOSED, OLD_UNPACKING
from towline.diagnosis.sign import mentions
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who

_TOO_OLD = ("docker 1", "docker 20", "containerd 1.4", "containerd 1.3")


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Update the runtime, or push {image(facts)} with gzip layers"),
        who=Who.PLATFORM,
    )


def proof(facts: Facts) -> Proof | None:
    """The layer is well, packed with zstd, and the runtime is older than that."""
    if facts.seen is None or not facts.client.startswith(_TOO_OLD):
        return None
    for layer in facts.seen.layers:
        if layer.packing == "zstd" and layer.problem is None:
            return Proof(
                (f"layer {layer.digest} is packed with zstd", f"it is pulled by {facts.client}")
            )
    return None


RULE = Rule(
    code="unpack.zstd-unsupported",
    title="The runtime is too old for zstd layers",
    remedy=remedy,
    proof=proof,
    decided_by="the layers' media types and the runtime's version",
    signs=(
        OLD_UNPACKING & CLOSED,
        mentions("zstd") & mentions("unsupported", "unknown", "no processor", "unrecognized"),
    ),
    about=(
        "The layers are compressed with zstd, which docker up to 20.10 does not know. "
        "It prints `unexpected EOF`, as if they were damaged."
    ),
    looks=(
        (
            "docker",
            "failed to register layer: Error processing tar file(exit status 1): unexpected EOF",
        ),
    ),
)
