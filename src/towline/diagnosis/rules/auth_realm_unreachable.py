"""auth.realm-unreachable: the token host cannot be reached."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.saying import NOT_REACHED
from towline.diagnosis.seen_realm import is_plain, token_host, unreached
from towline.diagnosis.sign import AT_TOKEN_SERVER, PLAIN_HTTP
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(
            f"Give {token_host(facts)} the same name resolution, link and rules as {registry(facts)}"
        ),
        who=Who.NETWORK_ADMIN,
    )


def proof(facts: Facts) -> Proof | None:
    """The registry is reached, its token host is not."""
    if facts.seen is None or is_plain(facts.seen):
        return None
    lines = unreached(facts.seen)
    return Proof(lines) if lines else None


RULE = Rule(
    code="auth.realm-unreachable",
    title="The token host cannot be reached",
    remedy=remedy,
    proof=proof,
    decided_by="the same steps towards the token host",
    signs=(AT_TOKEN_SERVER & NOT_REACHED & ~PLAIN_HTTP,),
    look_alikes=(AT_TOKEN_SERVER & NOT_REACHED,),
    about=(
        "The registry answers, and sends the client to another host for a token, which "
        "cannot be reached. That host needs the same name resolution, route and link as"
        " the registry."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: failed to authorize: failed to fetch oauth token: "
                'Post "https://auth.example/token": dial tcp: lookup auth.example on '
                "10.0.0.2:53: no such host"
            ),
        ),
        (
            "docker",
            (
                "Error response from daemon: Head "
                '"https://hub.example/v2/team/app/manifests/1.0": Get "https://auth.example/tok'
                'en?account=puller&scope=repository%3Ateam%2Fapp%3Apull&service=hub.example": '
                "dial tcp: lookup auth.example on 10.0.0.2:53: no such host"
            ),
        ),
        (
            "podman",
            (
                'Get "https://auth.example/token?account=puller&scope=repository%3Ateam%2Fapp%3'
                'Apull&service=hub.example": dial tcp: lookup auth.example on 10.0.0.2:53: no '
                "such host"
            ),
        ),
    ),
)
