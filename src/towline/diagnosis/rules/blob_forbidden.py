"""blob.forbidden: the blob store refuses."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import BARE_DENIED, DENIED, XML
from towline.diagnosis.seen_blob import answered_with, blob_proof
from towline.diagnosis.sign import FOR_BLOB, FOR_TOKEN, status
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Look at the blob store's credentials and the clock that signs its links"),
        who=Who.REGISTRY_ADMIN,
        retry_helps=True,
    )


RULE = Rule(
    code="blob.forbidden",
    title="The blob store refuses",
    remedy=remedy,
    proof=blob_proof(answered_with(403)),
    decided_by="the answer of the blob store",
    signs=(
        FOR_BLOB & status(403),
        XML & ~FOR_TOKEN,
        FOR_BLOB & (DENIED | BARE_DENIED),
        FOR_BLOB & status(400),
    ),
)
