"""authz.denied: the registry denies pull."""

from __future__ import annotations

from towline.diagnosis.answered import answered, refused
from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.saying import (
    BARE_DENIED,
    DENIED,
    FROM_TOKEN_BELOW,
    INSUFFICIENT,
    PAGE,
    TO_REGISTRY,
)
from towline.diagnosis.seen_key import closed, grants_pull, key, scoped
from towline.diagnosis.sign import by, mentions, status
from towline.diagnosis.subject import repository
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Give the account pull on {repository(facts)}"),
        who=Who.REGISTRY_ADMIN,
    )


def proof(facts: Facts) -> Proof | None:
    """The registry knows who asks, and says itself that this is not for them."""
    seen = facts.seen
    login = key(seen) if seen else None
    if seen is None or login is None or (refusal := closed(seen)) is None or not refusal.credential:
        return None
    if not refused(refusal, 403) or not (refusal.errors or refusal.is_json):
        return None
    token = scoped(seen)
    if token is not None and grants_pull(token, seen.repository) is False:
        return None
    words = tuple(f"it says: {message}" for _, message in refusal.errors if message)
    return Proof((f"{answered(refusal)}, with the key of {login.username}", *words))


RULE = Rule(
    code="authz.denied",
    title="The registry denies pull",
    remedy=remedy,
    proof=proof,
    decided_by="the JSON of the 403",
    signs=(
        TO_REGISTRY & status(403) & ~PAGE,
        TO_REGISTRY & BARE_DENIED & ~FROM_TOKEN_BELOW & ~mentions("error from registry: denied"),
        TO_REGISTRY & DENIED & ~by("docker", "podman"),
        TO_REGISTRY
        & mentions(
            "denied: permission", "permission denied for", "access forbidden", "not authorized"
        ),
    ),
    look_alikes=(TO_REGISTRY & DENIED & ~FROM_TOKEN_BELOW & ~INSUFFICIENT,),
    about=(
        "The registry knows the account and denies it this repository. containerd drops"
        " the registry's words and prints 403 alone, which a web firewall's page gives "
        "too."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: unexpected status from HEAD request to "
                "https://hub.example/v2/team/app/manifests/1.0: 403 Forbidden"
            ),
        ),
        ("docker", "Error response from daemon: denied"),
        ("podman", "reading manifest 1.0 in hub.example/team/app: denied"),
    ),
)
