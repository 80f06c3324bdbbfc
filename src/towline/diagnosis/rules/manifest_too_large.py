"""manifest.too-large: the manifest is larger than runtimes accept (4 MiB)."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.seen_manifest import manifests
from towline.diagnosis.sign import FOR_BLOB, mentions
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who
from towline.pull.flow import MAX_MANIFEST_SIZE


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Build {image(facts)} with fewer annotations or layers"),
        who=Who.POD_AUTHOR,
    )


def proof(facts: Facts) -> Proof | None:
    """It is larger than a runtime reads."""
    for manifest in manifests(facts.seen):
        if manifest.size > MAX_MANIFEST_SIZE:
            size = f"{manifest.size} bytes"
            return Proof(
                (f"the manifest of {manifest.target} has {size}, {MAX_MANIFEST_SIZE} are read",)
            )
    return None


RULE = Rule(
    code="manifest.too-large",
    title="The manifest is larger than runtimes accept (4 MiB)",
    remedy=remedy,
    proof=proof,
    decided_by="the manifest's size",
    signs=(
        mentions(
            "byte manifest for",
            "manifest is too",
            "maximum allowed size",
            "manifest size",
            "exceeded limit",
        )
        & ~FOR_BLOB,
    ),
    about=(
        "Clients read a manifest of 4 MiB at most. An index with thousands of entries, "
        "or annotations with documents in them, is larger."
    ),
    looks=(
        ("containerd", "rejecting 20000000 byte manifest for hub.example/team/app:1.0: not found"),
    ),
)
