"""storage.full: the disk for images is full."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.saying import NO_SPACE
from towline.diagnosis.sign import matches, mentions
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Enlarge the disk for images, or let old images go"),
        who=Who.PLATFORM,
    )


def proof(facts: Facts) -> Proof | None:
    """The layers do not even fit packed, or not unpacked where the runtime says the same."""
    space = facts.seen.space if facts.seen else None
    if space is None:
        return None
    said = "no space left" in facts.text.lower()
    if space.free_bytes >= (space.needed_bytes if said else space.needed_bytes // 3):
        return None
    free = f"{space.free_bytes // 1024} KiB are free in {space.folder}"
    return Proof((f"{free}, about {space.needed_bytes // 1024} KiB are needed",))


RULE = Rule(
    code="storage.full",
    title="The disk for images is full",
    remedy=remedy,
    proof=proof,
    decided_by="free bytes against the layers' sizes",
    signs=(
        NO_SPACE & ~matches(r"(mkdir|open|mknod|symlink|create)[^\\n]*no space left"),
        mentions("insufficient space", "not enough disk", "ephemeral-storage"),
    ),
    look_alikes=(NO_SPACE,),
)
