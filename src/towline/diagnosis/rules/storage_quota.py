"""storage.quota: the quota for images is used up."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.sign import mentions
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Raise the quota"),
        who=Who.PLATFORM,
    )


RULE = Rule(
    code="storage.quota",
    title="The quota for images is used up",
    remedy=remedy,
    decided_by="the quota",
    signs=(mentions("quota exceeded", "disk quota"),),
    about=("The store has a quota, by project, user or volume, and it is used up."),
    looks=(
        (
            "containerd",
            (
                "failed to copy: write "
                "/var/lib/containerd/io.containerd.content.v1.content/ingest/4f/data: disk "
                "quota exceeded"
            ),
        ),
    ),
)
