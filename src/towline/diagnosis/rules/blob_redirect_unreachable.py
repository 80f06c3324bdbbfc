"""blob.redirect-unreachable: the host that the blobs are redirected to cannot be reached."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.saying import CLOSED, HANDSHAKE_SILENT, NO_NAME, NOT_CONNECTED, RESET
from towline.diagnosis.seen_blob import blobs
from towline.diagnosis.seen_path import unreached
from towline.diagnosis.sign import AT_BLOB_STORE, FOR_BLOB, HANGS, UNANSWERED, mentions
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(
            "Give the blob host name resolution and a way, or turn redirects "
            f"off at {registry(facts)}"
        ),
        who=Who.NETWORK_ADMIN,
    )


def proof(facts: Facts) -> Proof | None:
    """The host that a blob is led to cannot be reached."""
    for blob in blobs(facts.seen) if facts.seen else ():
        lines = unreached(blob.path)
        if lines:
            return Proof((blob.line, *lines))
    return None


RULE = Rule(
    code="blob.redirect-unreachable",
    title="The host that the blobs are redirected to cannot be reached",
    remedy=remedy,
    proof=proof,
    decided_by="the same steps towards the blob host",
    signs=(
        AT_BLOB_STORE & (NO_NAME | NOT_CONNECTED | HANDSHAKE_SILENT) & FOR_BLOB,
        HANGS & mentions("retrying in"),
    ),
    look_alikes=(AT_BLOB_STORE & FOR_BLOB & (RESET | CLOSED) & UNANSWERED,),
)
