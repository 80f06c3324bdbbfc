"""auth.realm-wrong: the token host that the registry names is none."""

from __future__ import annotations

from towline.diagnosis.answered import answered, refused
from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.seen_key import closed, scoped
from towline.diagnosis.sign import FOR_TOKEN, mentions, says, status
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who
from towline.pull.wire import Url


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Correct the realm in the configuration of {registry(facts)}"),
        who=Who.REGISTRY_ADMIN,
    )


def proof(facts: Facts) -> Proof | None:
    """The challenge leads to no address, or to one where nobody gives tokens."""
    seen = facts.seen
    if (
        seen is None
        or seen.challenge is None
        or seen.challenge.scheme != "bearer"
        or closed(seen) is None
    ):
        return None
    if Url.parse(seen.challenge.realm) is None:
        return Proof(
            (f'the challenge names "{seen.challenge.realm}", which is no address, as token server',)
        )
    token = scoped(seen)
    if token is None or token.answer is None or not refused(token.answer, 404, 405):
        return None
    return Proof((answered(token.answer),))


RULE = Rule(
    code="auth.realm-wrong",
    title="The token host that the registry names is none",
    remedy=remedy,
    proof=proof,
    decided_by="the answer at the realm",
    about=(
        "The address that the registry gives for tokens leads to something else: a 404,"
        " a page, or no URL at all."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to authorize: failed to fetch oauth token: unexpected status from GET "
                "request to https://auth.example/token?scope=repository%3Ateam%2Fapp%3Apull: "
                "404 Not Found"
            ),
        ),
    ),
    signs=(
        FOR_TOKEN & status(404, 405, 301, 302, 307, 308),
        FOR_TOKEN & says("unsupported protocol scheme", "invalid url", "no host in request"),
        mentions("auth challenge realm", "invalid realm"),
    ),
)
