"""manifest.schema1: the image has a manifest of schema 1, which is no longer supported."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.saying import CHILD_NOT_FOUND
from towline.diagnosis.seen_manifest import manifests
from towline.diagnosis.sign import mentions
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Push {image(facts)} again with a current builder"),
        who=Who.POD_AUTHOR,
    )


def proof(facts: Facts) -> Proof | None:
    """The manifest says so itself."""
    for manifest in manifests(facts.seen):
        if manifest.schema == 1:
            return Proof((f"{manifest.target} is {manifest.media_type}, schemaVersion 1",))
    return None


RULE = Rule(
    code="manifest.schema1",
    title="The image has a manifest of schema 1, which is no longer supported",
    remedy=remedy,
    proof=proof,
    decided_by="the manifest's media type",
    about=(
        "The image is in the format that Docker used until 2016. containerd 2.1, docker"
        " 26 and crane no longer read it; older runtimes do."
    ),
    looks=(
        (
            "containerd",
            (
                'failed to pull and unpack image "hub.example/team/app:1.0": schema 1 image '
                "manifests are no longer supported: invalid argument"
            ),
        ),
        (
            "docker",
            (
                "Docker Image Format v1 and Docker Image manifest version 2, schema 1 support "
                "has been removed. Suggest the author of hub.example/team/app:1.0 to upgrade "
                "the image to the OCI Format or Docker Image manifest v2, schema 2. More "
                "information at https://docs.docker.com/go/deprecated-image-specs/"
            ),
        ),
    ),
    signs=(mentions("schema 1", "v1+prettyjws", "no signatures", "distribution.manifest.v1"),),
    look_alikes=(mentions("missing signature key") | CHILD_NOT_FOUND,),
)
