"""reference.invalid: the image is not written as a reference can be."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.reference_fault import reference_fault
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.sign import mentions, says
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(
            "Write the image as host[:port]/path[:tag][@sha256:64 hex "
            "digits], the path in lower case, without a scheme or blanks"
        ),
        who=Who.POD_AUTHOR,
    )


def proof(facts: Facts) -> Proof | None:
    """The parser says so; nothing needs to be asked."""
    image = facts.image or (facts.seen.image if facts.seen else "")
    fault = reference_fault(image) if image else None
    return Proof(fault.evidence, fault.cause) if fault is not None else None


RULE = Rule(
    code="reference.invalid",
    title="The image is not written as a reference can be",
    remedy=remedy,
    proof=proof,
    decided_by="parse the reference; no request is needed",
    signs=(
        mentions(
            "invalid reference format",
            "invalid reference:",
            "could not parse reference",
            "couldn't parse image",
            "must be lowercase",
            "invalid repository name",
            "invalidimagename",
            "failed to apply default image tag",
            "invalid tag format",
            ": invalid reference",
        )
        & ~mentions("missing registry or repository"),
        says("lookup https on", "lookup http on", "lookup https:", "lookup http:"),
    ),
    about=(
        "The runtime does not even try: no request is made. Common reasons are capital "
        "letters in the path, a scheme (https://), a blank or a quote, two tags, a + in"
        " the tag, a variable that was not filled in, or a digest of another length "
        "than 64 digits."
    ),
    looks=(
        (
            "containerd",
            (
                'failed to parse image reference "hub.example/Team/App:1.0": invalid reference '
                "format: repository name (Team/App) must be lowercase"
            ),
        ),
        ("docker", "invalid reference format: repository name (Team/App) must be lowercase"),
        (
            "podman",
            'parsing reference "hub.example/Team/App:1.0": repository name must be lowercase',
        ),
    ),
)
