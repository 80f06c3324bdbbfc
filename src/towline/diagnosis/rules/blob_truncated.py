"""blob.truncated: the blob's transfer ends early."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.observation import HttpOutcome
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import CLOSED
from towline.diagnosis.seen_blob import blob_proof, ended
from towline.diagnosis.sign import FOR_BLOB, HANGS, is_all, mentions, says
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(
            "Try again; if it ends at the same byte, delete the blob from "
            "the cache or push it again"
        ),
        who=Who.NETWORK_ADMIN,
        retry_helps=True,
    )


RULE = Rule(
    code="blob.truncated",
    title="The blob's transfer ends early",
    remedy=remedy,
    proof=blob_proof(ended(HttpOutcome.TRUNCATED, HttpOutcome.CLOSED)),
    decided_by="the last byte of the blob, twice",
    about=(
        "The connection ends in the middle of a layer. At a different place each time "
        "it is the network or a time limit, at the same place a size limit or the "
        "store."
    ),
    looks=(
        ("containerd", "short read: expected 6293605 bytes but got 6293604: unexpected EOF"),
        ("docker", "unexpected EOF"),
        (
            "podman",
            (
                "writing blob: storing blob to file "
                '"/var/tmp/container_images_storage000000000/1": happened during read: '
                "unexpected EOF"
            ),
        ),
    ),
    signs=(
        mentions("short read: expected", "failed to read expected number of bytes"),
        mentions("happened during read") & CLOSED,
        is_all("unexpected eof"),
        FOR_BLOB
        & CLOSED
        & ~says(
            "storing blob to file",
            "extract",
            "processing tar",
            "register layer",
            "applylayer",
            "digest",
        ),
    ),
    look_alikes=(HANGS & mentions("retrying in"),),
)
