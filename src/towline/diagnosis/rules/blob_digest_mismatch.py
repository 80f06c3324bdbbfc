"""blob.digest-mismatch: the blob is not the one that its digest says."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.seen_blob import content_proof, has_other_digest
from towline.diagnosis.sign import mentions
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Delete the blob from the cache, or push {image(facts)} again"),
        who=Who.REGISTRY_ADMIN,
    )


RULE = Rule(
    code="blob.digest-mismatch",
    title="The blob is not the one that its digest says",
    remedy=remedy,
    proof=content_proof(has_other_digest),
    decided_by="the blob's own digest",
    signs=(
        mentions("unexpected commit digest") & ~mentions("manifest-sha256", "index-sha256"),
        mentions(
            "digest did not match",
            "filesystem layer verification failed",
            "error verifying sha256 checksum",
        ),
    ),
    about=(
        "The layer came in full and its digest is another. A cache on the way that "
        "holds other bytes, or a damaged store."
    ),
    looks=(
        (
            "containerd",
            (
                'failed commit on ref "layer-sha256:e4f38571ffde": unexpected commit digest '
                "sha256:f1ec9b81217f, expected sha256:e4f38571ffde: failed precondition"
            ),
        ),
        ("docker", "filesystem layer verification failed for digest sha256:e4f38571ffde"),
        (
            "podman",
            (
                "writing blob: storing blob to file "
                '"/var/tmp/container_images_storage000000000/1": happened during read: Digest '
                "did not match, expected sha256:e4f38571ffde, got sha256:f1ec9b81217f"
            ),
        ),
    ),
)
