"""auth.no-challenge: the registry asks for a credential without saying how."""

from __future__ import annotations

from towline.diagnosis.answered import answered, refused
from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.saying import TO_REGISTRY
from towline.diagnosis.seen_key import closed
from towline.diagnosis.sign import is_just, mentions, status
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Let WWW-Authenticate pass through the proxy before {registry(facts)}"),
        who=Who.REGISTRY_ADMIN,
    )


def proof(facts: Facts) -> Proof | None:
    """A 401 that does not say what is wanted, or wants what no runtime knows."""
    seen = facts.seen
    refusal = closed(seen) if seen else None
    if seen is None or refusal is None or not refused(refusal, 401):
        return None
    if refusal.credential or (
        seen.challenge is not None and seen.challenge.scheme in {"basic", "bearer"}
    ):
        return None
    wanted = refusal.header("www-authenticate") or "nothing"
    return Proof((answered(refusal), f"its WWW-Authenticate says {wanted}"))


RULE = Rule(
    code="auth.no-challenge",
    title="The registry asks for a credential without saying how",
    remedy=remedy,
    proof=proof,
    decided_by="the header of the 401",
    signs=(
        mentions(
            "malformed auth challenge",
            "no supported auth scheme",
            "no challenge",
            "failed to parse auth header",
            "missing realm",
            "unsupported auth scheme",
            "no auth scheme",
        ),
    ),
    look_alikes=(
        TO_REGISTRY & status(401) & mentions("status from", "pulling from host", "status code 401"),
        TO_REGISTRY & is_just("unauthorized: authentication required", "authentication required"),
    ),
    about=(
        "A 401 has to say how to sign in. A proxy in between has removed the "
        "WWW-Authenticate header, so that clients do not send the credential they have,"
        " or print 401 though it is right."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: unexpected status from HEAD request to "
                "https://hub.example/v2/team/app/manifests/1.0: 401 Unauthorized"
            ),
        ),
    ),
)
