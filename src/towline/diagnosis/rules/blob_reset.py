"""blob.reset: the blob's transfer is reset."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.observation import HttpOutcome
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import RESET
from towline.diagnosis.seen_blob import blob_proof, ended
from towline.diagnosis.sign import FOR_BLOB, mentions
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Look for a middlebox between here and the blob store"),
        who=Who.NETWORK_ADMIN,
        retry_helps=True,
    )


RULE = Rule(
    code="blob.reset",
    title="The blob's transfer is reset",
    remedy=remedy,
    proof=blob_proof(ended(HttpOutcome.RESET)),
    decided_by="the blob's bytes",
    about=("Somebody resets the connection while a layer is downloaded."),
    looks=(
        (
            "containerd",
            (
                "failed to copy: httpReadSeeker: failed open: failed to do request: Get "
                '"https://hub.example/v2/team/app/blobs/sha256:0b7680c2ce11": read tcp '
                "10.0.1.9:40001->10.0.0.5:443: read: connection reset by peer"
            ),
        ),
    ),
    signs=(
        FOR_BLOB & RESET,
        FOR_BLOB & mentions("stream error:", "goaway"),
    ),
    look_alikes=(mentions("short read: expected", "failed to read expected number of bytes"),),
)
