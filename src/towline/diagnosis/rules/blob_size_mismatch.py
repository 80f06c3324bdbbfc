"""blob.size-mismatch: the blob is shorter or longer than its manifest says."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.seen_blob import content_proof, has_other_size
from towline.diagnosis.sign import FOR_BLOB, mentions, status
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Delete the blob from the cache, or push {image(facts)} again"),
        who=Who.REGISTRY_ADMIN,
    )


RULE = Rule(
    code="blob.size-mismatch",
    title="The blob is shorter or longer than its manifest says",
    remedy=remedy,
    proof=content_proof(has_other_size),
    decided_by="Content-Length against the manifest",
    signs=(
        mentions("error verifying size", "failed size validation")
        & ~mentions("manifest-sha256", "index-sha256"),
        mentions("content size of zero", "invalid size of layer"),
        FOR_BLOB & status(416),
    ),
    look_alikes=(
        mentions("short read: expected", "failed to read expected number of bytes"),
        mentions("digest did not match", "filesystem layer verification failed"),
    ),
    about=(
        "The store has fewer bytes of the layer than the manifest says, and delivers them in full."
    ),
    looks=(
        ("containerd", "short read: expected 6293605 bytes but got 1000000: unexpected EOF"),
        ("docker", "filesystem layer verification failed for digest sha256:94399e032bf8"),
        (
            "podman",
            (
                "writing blob: storing blob to file "
                '"/var/tmp/container_images_storage000000000/1": happened during read: Digest '
                "did not match, expected sha256:94399e032bf8, got sha256:17f0b85295c7"
            ),
        ),
    ),
)
