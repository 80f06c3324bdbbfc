"""blob.unknown: the registry lacks a blob of the image."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import KNOWN_CONTENT
from towline.diagnosis.seen_blob import answered_with, blob_proof
from towline.diagnosis.sign import FOR_BLOB, mentions, status
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Push {image(facts)} again"),
        who=Who.REGISTRY_ADMIN,
    )


RULE = Rule(
    code="blob.unknown",
    title="The registry lacks a blob of the image",
    remedy=remedy,
    proof=blob_proof(answered_with(404)),
    decided_by="HEAD of each blob",
    signs=(
        mentions("blob unknown", "blob_unknown", "unknown blob")
        & ~mentions("blobs/::", "/blobs/: "),
        mentions("from remote: not found") & KNOWN_CONTENT & ~mentions("manifest.v", "image.index"),
        FOR_BLOB & status(404),
    ),
    about=(
        "The manifest is there and one of its layers, or its config, is not: collected "
        "as garbage, or never completely copied."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to copy: httpReadSeeker: failed open: could not fetch content "
                "descriptor sha256:4eb5897342bf "
                "(application/vnd.docker.image.rootfs.diff.tar.gzip) from remote: not found"
            ),
        ),
        ("docker", "unknown blob"),
        ("podman", "reading blob sha256:4eb5897342bf: fetching blob: blob unknown to registry"),
    ),
)
