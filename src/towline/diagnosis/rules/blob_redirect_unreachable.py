"""blob.redirect-unreachable: the host that the blobs are redirected to cannot be reached."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.saying import CLOSED, HANDSHAKE_SILENT, NO_NAME, NOT_CONNECTED, RESET
from towline.diagnosis.seen_blob import blob_host, blobs
from towline.diagnosis.seen_path import unreached
from towline.diagnosis.sign import AT_BLOB_STORE, FOR_BLOB, HANGS, UNANSWERED, mentions
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(
            f"Give {blob_host(facts)} name resolution and a way, or turn redirects "
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
    about=(
        "The registry is reached, and sends the client to an object store for layers "
        "that cannot be. That host needs name resolution, a route and an allowlist of "
        "its own, or the registry has to deliver layers itself."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to copy: httpReadSeeker: failed open: failed to do request: Get "
                '"https://cdn.example/blob?X-Amz-Signature=%5BREDACTED%5D": dial tcp '
                "203.0.113.5:443: i/o timeout"
            ),
        ),
        (
            "podman",
            (
                "reading blob sha256:0b7680c2ce11: Get "
                '"https://cdn.example/blob?X-Amz-Signature=abc": dial tcp 203.0.113.5:443: i/o '
                "timeout"
            ),
        ),
    ),
)
