"""auth.expired-credential: the credential has expired."""

from __future__ import annotations

from towline.diagnosis.answered import answered
from towline.diagnosis.facts import Facts
from towline.diagnosis.known_credential import known_or_seen
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.saying import KEY_EXPIRED, OUT_OF_TIME
from towline.diagnosis.seen_key import clock, closed, key
from towline.diagnosis.sign import FOR_BLOB, FOR_TOKEN, KEYED, mentions, status
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Issue a new credential for {registry(facts)}"),
        who=Who.POD_AUTHOR,
    )


def proof(facts: Facts) -> Proof | None:
    """The key is a token that says itself when it ended."""
    seen = facts.seen
    login = key(seen) if seen else None
    if seen is None or login is None or login.expires is None or (refusal := closed(seen)) is None:
        return None
    now = clock(seen)
    if now is None or login.expires >= now:
        return None
    ago = (now - login.expires) // 60
    return Proof(
        (f"the key of {login.username} for {login.key} ended {ago} minutes ago", answered(refusal))
    )


RULE = Rule(
    code="auth.expired-credential",
    title="The credential has expired",
    remedy=remedy,
    proof=known_or_seen("auth.expired-credential", proof),
    decided_by="the expiry in the credential",
    signs=(
        ~FOR_BLOB & KEY_EXPIRED & ~OUT_OF_TIME,
        KEY_EXPIRED & mentions("authorization token"),
    ),
    look_alikes=(FOR_TOKEN & KEYED & status(401),),
    about=(
        "The credential was right once. Temporary keys of clouds live for hours, and a "
        "Secret does not renew itself."
    ),
    looks=(
        (
            "docker",
            (
                "denied: Your Authorization Token has expired. Please run 'aws ecr get-login "
                "--no-include-email' to fetch a new one."
            ),
        ),
    ),
)
