"""auth.missing-credential: no credential was sent."""

from __future__ import annotations

from towline.diagnosis.answered import answered
from towline.diagnosis.facts import Facts
from towline.diagnosis.known_credential import known_or_seen
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.saying import (
    BARE_DENIED,
    DENIED,
    DENIED_ABOVE,
    FROM_TOKEN_BELOW,
    INSUFFICIENT,
    PULL_DENIED,
    TO_REGISTRY,
    TWICE,
    UNAUTHORIZED,
    WRONG_KEY,
)
from towline.diagnosis.seen_key import closed, key, keys_there_are, scoped
from towline.diagnosis.sign import (
    ANONYMOUS,
    BEFORE_LAYERS,
    FOR_BLOB,
    FOR_TOKEN,
    KEYED,
    by,
    is_just,
    mentions,
    status,
)
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(
            f"Add an image pull secret for {registry(facts)} to the pod's "
            "namespace, and name it in imagePullSecrets"
        ),
        who=Who.POD_AUTHOR,
    )


def proof(facts: Facts) -> Proof | None:
    """The registry is closed to strangers, and there is no key for it."""
    seen = facts.seen
    if seen is None or key(seen) is not None or seen.challenge is None:
        return None
    refusal, token = closed(seen), scoped(seen)
    if (
        refusal is None
        or seen.challenge.scheme not in {"basic", "bearer"}
        or seen.challenge.error not in {"", "insufficient_scope"}
    ):
        return None
    if token is None:
        asked = seen.challenge.scheme == "basic"
        return Proof((answered(refusal), keys_there_are(seen))) if asked else None
    if token.answer is None or not (token.has_token or token.answer.status in {401, 403}):
        return None
    return Proof((answered(token.answer), answered(refusal), keys_there_are(seen)))


RULE = Rule(
    code="auth.missing-credential",
    title="No credential was sent",
    remedy=remedy,
    proof=known_or_seen("auth.missing-credential", proof),
    decided_by="whether a secret for this host exists in the namespace",
    about=(
        "No credential came along. The pull secret does not exist, lives in another "
        "namespace, is not named by the pod or its service account, or has a key for "
        "another host. `anonymous token` in a containerd text proves it."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: pull access denied, repository does not exist or may "
                "require authorization: authorization failed: no basic auth credentials"
            ),
        ),
        (
            "docker",
            (
                "Error response from daemon: Head "
                '"https://hub.example/v2/team/app/manifests/1.0": no basic auth credentials'
            ),
        ),
        ("podman", "reading manifest 1.0 in hub.example/team/app: authentication required"),
    ),
    signs=(
        ~FOR_BLOB & mentions("no basic auth credentials", "basic credential not found"),
        FOR_TOKEN & ANONYMOUS & (status(401, 403) | UNAUTHORIZED),
        TO_REGISTRY & status(401) & mentions("pulling from host"),
        FOR_TOKEN
        & by("podman", "crane")
        & UNAUTHORIZED
        & ~ANONYMOUS
        & ~WRONG_KEY
        & ~KEYED
        & ~status(401),
        TO_REGISTRY & by("podman") & UNAUTHORIZED & ~TWICE & ~WRONG_KEY & ~DENIED_ABOVE,
        TO_REGISTRY & by("crane") & UNAUTHORIZED & ~WRONG_KEY,
        TO_REGISTRY & by("oras") & UNAUTHORIZED & ~KEYED & ~WRONG_KEY,
        FROM_TOKEN_BELOW & is_just("unauthorized"),
        mentions("error from registry: unauthorized") & BEFORE_LAYERS,
        mentions("unable to retrieve some image pull secrets"),
    ),
    look_alikes=(
        INSUFFICIENT | (TO_REGISTRY & (DENIED | PULL_DENIED)),
        TO_REGISTRY & by("docker") & is_just("unauthorized: authentication required"),
        TO_REGISTRY & UNAUTHORIZED & ~WRONG_KEY & by("podman", "crane"),
        FOR_TOKEN & ~KEYED & (status(403) | DENIED | BARE_DENIED),
    ),
)
