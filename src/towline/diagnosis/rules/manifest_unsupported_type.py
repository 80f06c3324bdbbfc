"""manifest.unsupported-type: the manifest has a media type that runtimes do not know."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.saying import CHILD_NOT_FOUND, KNOWN_CONTENT
from towline.diagnosis.seen_manifest import manifests
from towline.diagnosis.sign import mentions
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who
from towline.oci.media_type import is_index, is_manifest


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Push {image(facts)} again as an image"),
        who=Who.POD_AUTHOR,
    )


def proof(facts: Facts) -> Proof | None:
    """It is served as something that no runtime takes for a manifest."""
    for manifest in manifests(facts.seen):
        kind = manifest.media_type
        known = is_manifest(kind) or is_index(kind)
        if kind and not known and manifest.schema == 2:
            own = (
                f", and says of itself {manifest.own_media_type}" if manifest.own_media_type else ""
            )
            return Proof((f"{manifest.target} is served as {kind}{own}",))
    return None


RULE = Rule(
    code="manifest.unsupported-type",
    title="The manifest has a media type that runtimes do not know",
    remedy=remedy,
    proof=proof,
    decided_by="the manifest's media type",
    about=(
        "The manifest's media type is none of an image. A cache that loses the "
        "Content-Type header has the same effect."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to copy: httpReadSeeker: failed open: could not fetch content "
                "descriptor sha256:67e2b2cc3071 (application/vnd.example.thing.v1+json) from "
                "remote: not found"
            ),
        ),
        ("docker", "Error response from daemon: missing signature key"),
        (
            "podman",
            (
                "initializing image from source docker://hub.example/team/app:1.0: unsupported "
                "schema version 2"
            ),
        ),
    ),
    signs=(
        mentions(
            "missing signature key", "unsupported schema version", "unsupported manifest media type"
        ),
        mentions("from remote: not found") & ~KNOWN_CONTENT,
        mentions("unexpected media type") & ~mentions("text/html"),
        mentions("blobs/::", "/blobs/: "),
        mentions("unsupported mediatype") & ~mentions("prettyjws", "layer"),
        CHILD_NOT_FOUND,
    ),
    look_alikes=(mentions("unexpected media type text/html"),),
)
