"""auth.token-forbidden: the token service refuses (403)."""

from __future__ import annotations

from towline.diagnosis.answered import answered, refused
from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.saying import BARE_DENIED, DENIED, FROM_TOKEN_BELOW, TO_REGISTRY
from towline.diagnosis.seen_key import scoped
from towline.diagnosis.sign import ANONYMOUS, FOR_TOKEN, by, mentions, status
from towline.diagnosis.subject import repository
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Give the account the right to pull from {repository(facts)}"),
        who=Who.REGISTRY_ADMIN,
    )


def proof(facts: Facts) -> Proof | None:
    """The token server knows who asks, and says no."""
    token = scoped(facts.seen) if facts.seen else None
    if (
        token is None
        or token.username is None
        or token.answer is None
        or not refused(token.answer, 403)
    ):
        return None
    return Proof((answered(token.answer),))


RULE = Rule(
    code="auth.token-forbidden",
    title="The token service refuses (403)",
    remedy=remedy,
    proof=proof,
    decided_by="the token request",
    signs=(
        FOR_TOKEN & status(403) & ~ANONYMOUS,
        FOR_TOKEN & (DENIED | BARE_DENIED) & ~ANONYMOUS,
        FROM_TOKEN_BELOW & BARE_DENIED,
        mentions("error from registry: denied") & TO_REGISTRY,
    ),
    look_alikes=(
        TO_REGISTRY & by("oras") & DENIED,
        FOR_TOKEN & ANONYMOUS & status(403),
    ),
    about=(
        "The token server knows who asks, and refuses: the account is blocked, or the "
        "address is not on its list."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: failed to authorize: failed to fetch oauth token: "
                "unexpected status from POST request to https://hub.example/token: 403 "
                "Forbidden"
            ),
        ),
        (
            "docker",
            (
                "Error response from daemon: Head "
                '"https://hub.example/v2/team/app/manifests/1.0": denied'
            ),
        ),
        ("podman", "Requesting bearer token: received unexpected HTTP status: 403 Forbidden"),
    ),
)
