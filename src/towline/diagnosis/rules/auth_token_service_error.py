"""auth.token-service-error: the token service fails."""

from __future__ import annotations

from towline.diagnosis.answered import answered, failed_inside
from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.saying import AWAITING_HEADERS
from towline.diagnosis.seen_key import scoped
from towline.diagnosis.sign import AT_TOKEN_SERVER, FOR_TOKEN, says, status
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Look at the token service of {registry(facts)}"),
        who=Who.REGISTRY_ADMIN,
        retry_helps=True,
    )


def proof(facts: Facts) -> Proof | None:
    """The token server breaks down, or says nothing."""
    token = scoped(facts.seen) if facts.seen else None
    if token is None or token.answer is None or not failed_inside(token.answer):
        return None
    return Proof((answered(token.answer),))


RULE = Rule(
    code="auth.token-service-error",
    title="The token service fails",
    remedy=remedy,
    proof=proof,
    decided_by="the token request",
    about=("The token server failed; the registry itself is well."),
    looks=(
        (
            "containerd",
            (
                "failed to authorize: failed to fetch anonymous token: unexpected status from "
                "GET request to "
                "https://auth.example/token?scope=repository%3Ateam%2Fapp%3Apull: 500 Internal "
                "Server Error"
            ),
        ),
    ),
    signs=(
        FOR_TOKEN & status(400, 500, 501, 502, 503, 504),
        AT_TOKEN_SERVER
        & (AWAITING_HEADERS | says("context canceled", "context deadline exceeded")),
    ),
)
