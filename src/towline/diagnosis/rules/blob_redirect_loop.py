"""blob.redirect-loop: the blob is redirected in a circle."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.observation import HttpOutcome
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import CIRCLE, REDIRECTED
from towline.diagnosis.seen_blob import blob_proof, ended
from towline.diagnosis.sign import FOR_BLOB
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Mend the redirects of the blob store"),
        who=Who.REGISTRY_ADMIN,
    )


RULE = Rule(
    code="blob.redirect-loop",
    title="The blob is redirected in a circle",
    remedy=remedy,
    proof=blob_proof(ended(HttpOutcome.REDIRECT_LOOP)),
    decided_by="follow the redirects",
    about=("The address for a layer redirects, and so on, and never ends."),
    looks=(
        (
            "containerd",
            (
                "failed to copy: httpReadSeeker: failed open: failed to do request: Get "
                '"https://hub.example/v2/team/app/blobs/sha256:0b7680c2ce11?n=10": stopped '
                "after 10 redirects"
            ),
        ),
    ),
    signs=(
        FOR_BLOB & CIRCLE,
        FOR_BLOB & REDIRECTED,
    ),
)
