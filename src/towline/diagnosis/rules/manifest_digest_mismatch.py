"""manifest.digest-mismatch: the manifest is not the one that its digest says."""

from __future__ import annotations

from towline.diagnosis.answered import answered, refused
from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.seen_manifest import manifests, promised
from towline.diagnosis.sign import mentions
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who
from towline.pull.flow import MAX_MANIFEST_SIZE


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Clear the cache before {registry(facts)}, or push again"),
        who=Who.REGISTRY_ADMIN,
    )


def proof(facts: Facts) -> Proof | None:
    """Its bytes have another digest than it was asked for, or nothing has the one that is stated."""
    for manifest in manifests(facts.seen):
        wanted = manifest.target if ":" in manifest.target else manifest.stated_digest
        if not wanted.startswith("sha256:") or manifest.size > MAX_MANIFEST_SIZE:
            continue  # the probe has hashed with no other, and only what it has read whole
        if manifest.digest not in {"", wanted}:
            return Proof((f"{wanted} was promised, {manifest.digest} came",))
    top = facts.seen.manifest if facts.seen else None
    if top is not None and refused(top.answer, 404) and promised(top):
        return Proof((f"the HEAD of {top.target} states {top.stated_digest}", answered(top.answer)))
    return None


RULE = Rule(
    code="manifest.digest-mismatch",
    title="The manifest is not the one that its digest says",
    remedy=remedy,
    proof=proof,
    decided_by="the manifest's own digest",
    about=(
        "The bytes of the manifest do not have the digest they were asked for by. A "
        "proxy changes content, or the store is damaged."
    ),
    looks=(
        (
            "containerd",
            (
                'failed commit on ref "manifest-sha256:fedcba987654": unexpected commit digest '
                "sha256:d0a5c90e657a, expected sha256:fedcba987654: failed precondition"
            ),
        ),
        ("docker", "manifest verification failed for digest sha256:fedcba987654"),
        (
            "podman",
            (
                "determining manifest MIME type for "
                "docker://hub.example/team/app@sha256:fedcba987654: Manifest does not match "
                "provided manifest digest sha256:fedcba987654"
            ),
        ),
    ),
    signs=(
        mentions("manifest-sha256", "index-sha256")
        & mentions("unexpected commit digest", "failed size validation"),
        mentions(
            "manifest verification failed",
            "does not match requested digest",
            "does not match provided manifest digest",
            "digest mismatch in docker-content-digest",
            "manifest digest",
        ),
        mentions("invalid checksum digest format") & mentions("in header"),
    ),
    look_alikes=(mentions("from remote: not found") & mentions("manifest.v"),),
)
