"""auth.realm-tls: the token host's certificate is not trusted."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.saying import NOT_BELIEVED
from towline.diagnosis.seen_realm import token_host, untrusted
from towline.diagnosis.sign import AT_TOKEN_SERVER, PLAIN_HTTP
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Give the runtime the authority of {token_host(facts)}'s certificate"),
        who=Who.PLATFORM,
    )


def proof(facts: Facts) -> Proof | None:
    """TLS to the token host fails, to the registry it does not."""
    lines = untrusted(facts.seen) if facts.seen else ()
    return Proof(lines) if lines else None


RULE = Rule(
    code="auth.realm-tls",
    title="The token host's certificate is not trusted",
    remedy=remedy,
    proof=proof,
    decided_by="a handshake with the token host",
    signs=(AT_TOKEN_SERVER & NOT_BELIEVED & ~PLAIN_HTTP,),
    about=(
        "The token server's certificate is not accepted, although the registry's is. It"
        " needs the same authority, or a pin of its own."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: failed to authorize: failed to fetch oauth token: "
                'Post "https://auth.example/token": tls: failed to verify certificate: x509: '
                "certificate signed by unknown authority"
            ),
        ),
        (
            "docker",
            (
                "Error response from daemon: Head "
                '"https://hub.example/v2/team/app/manifests/1.0": Get "https://auth.example/tok'
                'en?account=puller&scope=repository%3Ateam%2Fapp%3Apull&service=hub.example": '
                "tls: failed to verify certificate: x509: certificate signed by unknown "
                "authority"
            ),
        ),
        (
            "podman",
            (
                'Get "https://auth.example/token?account=puller&scope=repository%3Ateam%2Fapp%3'
                'Apull&service=hub.example": tls: failed to verify certificate: x509: '
                "certificate signed by unknown authority"
            ),
        ),
    ),
)
