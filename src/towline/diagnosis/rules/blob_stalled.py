"""blob.stalled: the blob's transfer stops without an end."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.observation import HttpOutcome
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import BARE_DEADLINE
from towline.diagnosis.seen_blob import blob_proof, ended
from towline.diagnosis.sign import (
    FOR_BLOB,
    HANGS,
    LAYERS_BEGUN,
    UNANSWERED,
    is_just,
    mentions,
    says,
)
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Look at the blob store and at what stands between"),
        who=Who.NETWORK_ADMIN,
        retry_helps=True,
    )


RULE = Rule(
    code="blob.stalled",
    title="The blob's transfer stops without an end",
    remedy=remedy,
    proof=blob_proof(ended(HttpOutcome.STALLED, HttpOutcome.TIMED_OUT)),
    decided_by="whether bytes still come",
    signs=(
        ~UNANSWERED & is_just("context canceled") | (FOR_BLOB & says("context canceled")),
        BARE_DEADLINE,
        FOR_BLOB & says("context deadline exceeded", "no progress"),
        HANGS & LAYERS_BEGUN & ~mentions("retrying in"),
        HANGS & mentions("total: ", "downloading") & ~mentions("resolving"),
    ),
    look_alikes=(HANGS & mentions("retrying in"),),
    about=(
        "Bytes came and then no more, without an end of the connection. containerd "
        "gives up after five minutes without progress and says only `context canceled`;"
        " others wait for ever."
    ),
    looks=(
        (
            "containerd",
            (
                "rpc error: code = Canceled desc = failed to pull and unpack image "
                '"hub.example/team/app:1.0": context canceled'
            ),
        ),
    ),
)
