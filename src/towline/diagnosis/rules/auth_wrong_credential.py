"""auth.wrong-credential: the credential is refused."""

from __future__ import annotations

from towline.diagnosis.answered import answered, refused
from towline.diagnosis.facts import Facts
from towline.diagnosis.known_credential import known_or_seen
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.saying import (
    FROM_TOKEN_BELOW,
    INSUFFICIENT,
    KEY_EXPIRED,
    TO_REGISTRY,
    TWICE,
    UNAUTHORIZED,
    WRONG_KEY,
)
from towline.diagnosis.seen_key import clock, closed, key, scoped, without_scope
from towline.diagnosis.sign import ANONYMOUS, FOR_TOKEN, KEYED, by, is_just, mentions, status
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Correct or rotate the key for {registry(facts)}"),
        who=Who.POD_AUTHOR,
    )


def proof(facts: Facts) -> Proof | None:
    """The same key is refused when it asks for nothing in particular."""
    seen = facts.seen
    login = key(seen) if seen else None
    if seen is None or login is None or (refusal := closed(seen)) is None:
        return None
    if login.expires is not None and login.expires < (clock(seen) or 0):
        return None
    for token in (without_scope(seen), scoped(seen)):
        if token is not None and token.answer is not None and refused(token.answer, 401):
            return Proof((f"{answered(token.answer)}, with the key of {login.username}",))
    if refusal.credential == "basic" and refused(refusal, 401):
        return Proof((f"{answered(refusal)}, with the key of {login.username}",))
    return None


RULE = Rule(
    code="auth.wrong-credential",
    title="The credential is refused",
    remedy=remedy,
    proof=known_or_seen("auth.wrong-credential", proof),
    decided_by="a token request without scope, with the same key: 401",
    about=(
        "A credential was sent, and the registry does not accept it: mistyped, rotated,"
        " disabled, or for another registry."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: unexpected status from HEAD request to "
                "https://hub.example/v2/team/app/manifests/1.0: 401 Unauthorized"
            ),
        ),
        ("docker", "Error response from daemon: unauthorized: authentication required"),
        ("podman", "reading manifest 1.0 in hub.example/team/app: authentication required"),
    ),
    signs=(
        (FOR_TOKEN | TO_REGISTRY) & WRONG_KEY & ~KEY_EXPIRED,
        FOR_TOKEN & ~ANONYMOUS & status(401) & ~KEY_EXPIRED,
        TO_REGISTRY & status(401) & mentions("status from", "status code 401"),
        TO_REGISTRY
        & by("docker")
        & is_just("unauthorized: authentication required")
        & ~FROM_TOKEN_BELOW
        & ~TWICE,
        TO_REGISTRY & by("oras") & UNAUTHORIZED & KEYED & ~WRONG_KEY,
    ),
    look_alikes=(
        TO_REGISTRY & status(401) & mentions("pulling from host"),
        TO_REGISTRY & by("podman", "crane", "oras") & UNAUTHORIZED & ~TWICE,
        FOR_TOKEN & by("podman", "crane") & UNAUTHORIZED & ~ANONYMOUS,
        FROM_TOKEN_BELOW & is_just("unauthorized", "unauthorized: authentication required"),
        INSUFFICIENT,
    ),
)
