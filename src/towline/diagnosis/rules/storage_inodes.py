"""storage.inodes: the disk for images has no inodes left."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.saying import NO_SPACE
from towline.diagnosis.sign import matches
from towline.diagnosis.verdict import Remedy, Who

_FEW = 16


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Let old images go, or make the file system with more inodes"),
        who=Who.PLATFORM,
    )


def proof(facts: Facts) -> Proof | None:
    """There is room for bytes and none for files."""
    space = facts.seen.space if facts.seen else None
    if space is None or not 0 <= space.free_files < _FEW or space.free_bytes < space.needed_bytes:
        return None
    return Proof((f"{space.free_files} files can still be made in {space.folder}",))


RULE = Rule(
    code="storage.inodes",
    title="The disk for images has no inodes left",
    remedy=remedy,
    proof=proof,
    decided_by="free inodes",
    signs=(NO_SPACE & matches(r"(mkdir|open|mknod|symlink|create).*no space left"),),
    about=(
        "There are free bytes and no free inodes: no new file can be made. It shows in "
        "failures to open or to make folders."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to extract layer sha256:7c1d: mkdir "
                "/var/lib/containerd/tmpmounts/usr/lib/x: no space left on device: unknown"
            ),
        ),
    ),
)
