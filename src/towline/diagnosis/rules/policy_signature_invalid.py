"""policy.signature-invalid: the image's signature is not accepted."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.sign import mentions
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Sign {image(facts)} with an accepted key"),
        who=Who.PLATFORM,
    )


RULE = Rule(
    code="policy.signature-invalid",
    title="The image's signature is not accepted",
    remedy=remedy,
    decided_by="the policy file and the signatures",
    signs=(
        mentions("source image rejected", "signaturevalidationfailed")
        & mentions("signature")
        & ~mentions("no signature exists"),
        mentions(
            "signature verification failed",
            "invalid gpg signature",
            "invalid signature when validating",
        ),
    ),
    about=("There is a signature, by another key than the policy names, or of another image."),
    looks=(("podman", "Source image rejected: Invalid GPG signature: gpgme.Signature{Summary:4}"),),
)
