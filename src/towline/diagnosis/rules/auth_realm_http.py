"""auth.realm-http: the registry names its token host without TLS."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.saying import NOT_REACHED
from towline.diagnosis.seen_key import closed, scoped
from towline.diagnosis.seen_realm import is_plain, unreached
from towline.diagnosis.sign import AT_TOKEN_SERVER, PLAIN_HTTP, mentions
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Configure the realm of {registry(facts)} with https://"),
        who=Who.REGISTRY_ADMIN,
    )


def proof(facts: Facts) -> Proof | None:
    """The challenge of an HTTPS registry names an address without TLS, and that gives no token."""
    seen = facts.seen
    if seen is None or seen.challenge is None or not is_plain(seen) or closed(seen) is None:
        return None
    token = scoped(seen)
    if token is not None and token.has_token and not token.withheld:
        return None
    return Proof((f"the challenge names {seen.challenge.realm} as token server", *unreached(seen)))


RULE = Rule(
    code="auth.realm-http",
    title="The registry names its token host without TLS",
    remedy=remedy,
    proof=proof,
    decided_by="the realm in the challenge",
    signs=(
        AT_TOKEN_SERVER & NOT_REACHED & PLAIN_HTTP,
        mentions("uses http but registry"),
    ),
    about=(
        "The registry speaks HTTPS and names a token server at http://. Some clients "
        "refuse to send a password there; others find nobody at port 80."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: failed to authorize: failed to fetch oauth token: "
                'Post "http://auth.example/token": dial tcp 10.0.0.5:80: connect: connection '
                "refused"
            ),
        ),
        (
            "docker",
            (
                "Error response from daemon: Head "
                '"https://hub.example/v2/team/app/manifests/1.0": Get "http://auth.example/toke'
                'n?account=puller&scope=repository%3Ateam%2Fapp%3Apull&service=hub.example": '
                "dial tcp 10.0.0.5:80: connect: connection refused"
            ),
        ),
        (
            "podman",
            (
                'Get "http://auth.example/token?account=puller&scope=repository%3Ateam%2Fapp%3A'
                'pull&service=hub.example": dial tcp 10.0.0.5:80: connect: connection refused'
            ),
        ),
    ),
)
