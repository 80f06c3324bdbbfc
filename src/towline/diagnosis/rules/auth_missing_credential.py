"""auth.missing-credential: no credential was sent."""

from __future__ import annotations

from towline.diagnosis.answered import answered
from towline.diagnosis.facts import Facts
from towline.diagnosis.known_credential import known_or_seen
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.seen_key import closed, key, keys_there_are, scoped
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
)
