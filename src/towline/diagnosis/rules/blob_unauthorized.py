"""blob.unauthorized: the registry wants a credential for the blob that it did not want for the manifest."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import KEY_EXPIRED, UNAUTHORIZED
from towline.diagnosis.seen_blob import answered_with, blob_proof
from towline.diagnosis.sign import FOR_BLOB, says, status
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Configure {registry(facts)} alike for manifests and blobs"),
        who=Who.REGISTRY_ADMIN,
    )


RULE = Rule(
    code="blob.unauthorized",
    title="The registry wants a credential for the blob that it did not want for the manifest",
    remedy=remedy,
    proof=blob_proof(answered_with(401)),
    decided_by="GET of the blob",
    signs=(
        FOR_BLOB
        & (status(401) | UNAUTHORIZED | says("no basic auth credentials", "insufficient_scope"))
        & ~KEY_EXPIRED,
    ),
    about=(
        "The manifest could be read and the layer cannot: a proxy with other rules for "
        "blobs, or a token that expired during a long pull."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to copy: httpReadSeeker: failed open: authorization failed: no basic "
                "auth credentials"
            ),
        ),
        ("docker", "unauthorized: authentication required"),
        ("podman", "reading blob sha256:378f5e647325: fetching blob: authentication required"),
    ),
)
