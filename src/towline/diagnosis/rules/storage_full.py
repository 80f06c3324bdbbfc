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
        NO_SPACE & ~matches(r"(mkdir|open|mknod|symlink|create).*no space left"),
        mentions("insufficient space", "not enough disk", "ephemeral-storage"),
    ),
    look_alikes=(NO_SPACE,),
    about=(
        "The file system of the image store is full. A pull needs about three times the"
        " size of the layers for a moment."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to copy: write /var/lib/store/home/user/io.containerd.content.v1.conten"
                "t/ingest/e795920a7bf9/data: no space left on device"
            ),
        ),
        (
            "docker",
            "write /var/lib/store/home/user/tmp/GetImageBlob000000000: no space left on device",
        ),
        (
            "podman",
            (
                "writing blob: adding layer with blob "
                '"sha256:a4c25b79e633"/""/"sha256:bacdb47be6b9": no space left on device'
            ),
        ),
    ),
)
