"""auth.invalid-token: the registry does not accept the token of its own token service."""

from __future__ import annotations

from towline.diagnosis.answered import answered
from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.saying import (
    DENIED,
    PULL_DENIED,
    TO_REGISTRY,
    TWICE,
    UNAUTHORIZED,
    WRONG_KEY,
)
from towline.diagnosis.seen_key import closed, date_of, scoped
from towline.diagnosis.sign import by, is_just, mentions
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Compare keys and clocks of registry and token service"),
        who=Who.REGISTRY_ADMIN,
        retry_helps=True,
    )


def proof(facts: Facts) -> Proof | None:
    """The registry does not believe the token that its own token server has just given."""
    seen = facts.seen
    if seen is None or seen.challenge is None or (refusal := closed(seen)) is None:
        return None
    token = scoped(seen)
    if (
        seen.challenge.error != "invalid_token"
        or token is None
        or token.answer is None
        or not token.has_token
    ):
        return None
    here, there = date_of(refusal), date_of(token.answer)
    apart = (
        ()
        if here is None or there is None
        else (f"their clocks are {abs(here - there)} seconds apart",)
    )
    return Proof((answered(token.answer), f"{answered(refusal)}, invalid_token", *apart))


RULE = Rule(
    code="auth.invalid-token",
    title="The registry does not accept the token of its own token service",
    remedy=remedy,
    proof=proof,
    decided_by="the registry's answer to a fresh token",
    signs=(
        mentions("invalid_token"),
        TO_REGISTRY & by("podman") & TWICE,
    ),
    look_alikes=(
        TO_REGISTRY & is_just("unauthorized: authentication required", "authentication required"),
        TO_REGISTRY & by("crane", "oras") & UNAUTHORIZED & ~WRONG_KEY,
        TO_REGISTRY & PULL_DENIED & ~DENIED & by("docker", "containerd"),
    ),
    about=(
        "The registry does not trust the token that its own token server has just "
        "given: the clocks differ, the certificate for signatures was changed on one "
        "side, or issuer and service do not match."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: pull access denied, repository does not exist or may "
                "require authorization: server message: invalid_token: authorization failed"
            ),
        ),
        ("docker", "Error response from daemon: unauthorized: authentication required"),
        ("podman", "reading manifest 1.0 in hub.example/team/app: authentication required"),
    ),
)
