"""auth.token-malformed: the token service answers without a token."""

from __future__ import annotations

from towline.diagnosis.answered import answered, refused
from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.saying import PAGE
from towline.diagnosis.seen_key import scoped
from towline.diagnosis.sign import FOR_TOKEN, mentions, says, status
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Mend the token service of {registry(facts)}"),
        who=Who.REGISTRY_ADMIN,
    )


def proof(facts: Facts) -> Proof | None:
    """The token server answers 200 with something else than a token."""
    token = scoped(facts.seen) if facts.seen else None
    if token is None or token.has_token or token.answer is None or not refused(token.answer, 200):
        return None
    kind = token.answer.media_type or "no media type"
    return Proof((f"{answered(token.answer)}, {kind}, without a token in it",))


RULE = Rule(
    code="auth.token-malformed",
    title="The token service answers without a token",
    remedy=remedy,
    proof=proof,
    decided_by="the token request",
    signs=(
        mentions(
            "did not include a token",
            "decode token response",
            "no token in response",
            "unmarshalling token",
            "decoding bearer token",
            "unable to decode token",
        ),
        FOR_TOKEN
        & (
            says("invalid character", "unexpected end of json", "cannot unmarshal")
            | (PAGE & ~status(401, 403, 404, 429, 500, 502, 503, 504))
        ),
    ),
    about=(
        "The token server's answer is no JSON, or has no token in it: a page of a "
        "gateway, or another service."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to authorize: failed to fetch anonymous token: unable to decode token "
                "response: invalid character '<' looking for beginning of value"
            ),
        ),
    ),
)
