"""blob.server-error: the blob store fails."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.seen_blob import answered_with, blob_proof
from towline.diagnosis.sign import FOR_BLOB, status
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Look at the blob store of {registry(facts)}"),
        who=Who.REGISTRY_ADMIN,
        retry_helps=True,
    )


RULE = Rule(
    code="blob.server-error",
    title="The blob store fails",
    remedy=remedy,
    proof=blob_proof(answered_with(500, 501, 502, 503, 504)),
    decided_by="GET of the blob",
    signs=(FOR_BLOB & status(500, 501, 502, 503, 504, 507),),
    about=("The store behind the registry failed."),
    looks=(
        (
            "containerd",
            (
                "failed to copy: httpReadSeeker: failed open: unexpected status from GET "
                "request to https://hub.example/v2/team/app/blobs/sha256:0b7680c2ce11: 500 "
                "Internal Server Error"
            ),
        ),
    ),
)
