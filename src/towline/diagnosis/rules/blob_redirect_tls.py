"""blob.redirect-tls: the certificate of the host that the blobs are redirected to is not trusted."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.saying import NOT_BELIEVED
from towline.diagnosis.seen_blob import blob_host, blobs
from towline.diagnosis.seen_path import untrusted
from towline.diagnosis.sign import AT_BLOB_STORE, FOR_BLOB
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Give the runtime the authority of {blob_host(facts)}'s certificate"),
        who=Who.PLATFORM,
    )


def proof(facts: Facts) -> Proof | None:
    """TLS to the host that a blob is led to fails."""
    for blob in blobs(facts.seen) if facts.seen else ():
        lines = untrusted(blob.path)
        if lines:
            return Proof((blob.line, *lines))
    return None


RULE = Rule(
    code="blob.redirect-tls",
    title="The certificate of the host that the blobs are redirected to is not trusted",
    remedy=remedy,
    proof=proof,
    decided_by="a handshake with the blob host",
    signs=(AT_BLOB_STORE & FOR_BLOB & NOT_BELIEVED,),
    about=("The object store's certificate is not accepted, although the registry's is."),
    looks=(
        (
            "containerd",
            (
                "failed to copy: httpReadSeeker: failed open: failed to do request: Get "
                '"https://cdn.example/blob": tls: failed to verify certificate: x509: '
                "certificate signed by unknown authority"
            ),
        ),
        (
            "docker",
            "tls: failed to verify certificate: x509: certificate signed by unknown authority",
        ),
        (
            "podman",
            (
                'reading blob sha256:cc545a9c0569: Get "https://cdn.example/blob": tls: failed '
                "to verify certificate: x509: certificate signed by unknown authority"
            ),
        ),
    ),
)
