"""authz.insufficient-scope: the key gives no pull on the repository, or there is no such namespace."""

from __future__ import annotations

from towline.diagnosis.answered import answered, refused
from towline.diagnosis.facts import Facts
from towline.diagnosis.known_credential import known_or_seen
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.saying import (
    DENIED,
    DENIED_ABOVE,
    FROM_TOKEN_BELOW,
    INSUFFICIENT,
    PULL_DENIED,
    TO_REGISTRY,
    UNAUTHORIZED,
    WRONG_KEY,
    XML,
)
from towline.diagnosis.seen_key import closed, grants_pull, key, scoped, without_scope
from towline.diagnosis.sign import by
from towline.diagnosis.subject import repository
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Grant pull on {repository(facts)} to the account, or correct the namespace"),
        who=Who.POD_AUTHOR,
    )


def proof(facts: Facts) -> Proof | None:
    """The key is good, and the token that it gets does not open the repository."""
    seen = facts.seen
    login = key(seen) if seen else None
    if seen is None or login is None or seen.challenge is None or (refusal := closed(seen)) is None:
        return None
    token, bare = scoped(seen), without_scope(seen)
    if token is None or not token.has_token or token.answer is None:
        return None
    if bare is not None and bare.answer is not None and refused(bare.answer, 401):
        return None
    granted = grants_pull(token, seen.repository)
    if granted is not False and seen.challenge.error != "insufficient_scope":
        return None
    if seen.challenge.error == "invalid_token":
        return None
    grants = ", ".join(token.granted) or "nothing"
    told = (f"the token grants {grants}",) if token.readable_claims else ()
    return Proof(
        (f"{answered(token.answer)}, with the key of {login.username}", *told, answered(refusal))
    )


RULE = Rule(
    code="authz.insufficient-scope",
    title="The credential does not give pull on the repository, or the namespace does not exist",
    remedy=remedy,
    proof=known_or_seen("authz.insufficient-scope", proof),
    decided_by="the access in the token, and whether the namespace exists",
    signs=(
        INSUFFICIENT,
        TO_REGISTRY & DENIED_ABOVE & by("docker", "podman") & ~FROM_TOKEN_BELOW,
        TO_REGISTRY & PULL_DENIED & ~XML & ~DENIED,
    ),
    look_alikes=(
        TO_REGISTRY & by("crane", "oras") & UNAUTHORIZED & ~WRONG_KEY,
        TO_REGISTRY & PULL_DENIED & ~XML,
    ),
    about=(
        "The token is good and does not allow pulling this repository. Registries also "
        "say so for a namespace that does not exist, and for a public image when the "
        "token server is broken; docker turns it into `requested access to the resource"
        " is denied`."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: pull access denied, repository does not exist or may "
                "require authorization: server message: insufficient_scope: authorization "
                "failed"
            ),
        ),
        (
            "docker",
            (
                "Error response from daemon: pull access denied for hub.example/team/app, "
                "repository does not exist or may require 'docker login': denied: requested "
                "access to the resource is denied"
            ),
        ),
        (
            "podman",
            (
                "reading manifest 1.0 in hub.example/team/app: requested access to the resource"
                " is denied"
            ),
        ),
    ),
)
