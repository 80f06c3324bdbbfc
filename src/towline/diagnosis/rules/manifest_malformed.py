"""manifest.malformed: the manifest is not readable."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.saying import PAGE, TO_REGISTRY
from towline.diagnosis.seen_manifest import manifests
from towline.diagnosis.sign import mentions, says
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who
from towline.oci.media_type import is_index, is_manifest
from towline.pull.flow import MAX_MANIFEST_SIZE


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Push {image(facts)} again"),
        who=Who.REGISTRY_ADMIN,
    )


def proof(facts: Facts) -> Proof | None:
    """It came whole, as a manifest, and cannot be read as one."""
    for manifest in manifests(facts.seen):
        known = is_manifest(manifest.media_type) or is_index(manifest.media_type)
        if (
            known
            and manifest.unreadable
            and manifest.schema != 1
            and manifest.size <= MAX_MANIFEST_SIZE
        ):
            return Proof((f"the manifest of {manifest.target}: {manifest.unreadable}",))
    return None


RULE = Rule(
    code="manifest.malformed",
    title="The manifest is not readable",
    remedy=remedy,
    proof=proof,
    decided_by="the manifest's JSON",
    about=("What came as a manifest is no JSON of a manifest."),
    looks=(
        ("docker", "Error response from daemon: unexpected end of JSON input"),
        (
            "podman",
            "reading manifest 1.0 in hub.example/team/app: invalid character 'o' in literal true",
        ),
    ),
    signs=(
        TO_REGISTRY
        & says(
            "invalid character",
            "unmarshal",
            "unexpected end of json input",
            "manifest invalid",
            "input data was truncated",
            "json is malformed",
        )
        & ~PAGE
        & ~mentions("image config", "resolve rootfs"),
    ),
)
