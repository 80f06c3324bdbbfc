"""blob.redirect-tls: the certificate of the host that the blobs are redirected to is not trusted."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Give the runtime the authority of the blob host's certificate"),
        who=Who.PLATFORM,
    )


RULE = Rule(
    code="blob.redirect-tls",
    title="The certificate of the host that the blobs are redirected to is not trusted",
    remedy=remedy,
    decided_by="a handshake with the blob host",
)
