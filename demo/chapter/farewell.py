"""`towline down` leaves nothing of an installation in the kernel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from demo.command import Unexpected, run
from demo.story import Story

TITLE = "Down: no namespace, link, mount, rule, control group or process is left"
_LOOKS: dict[str, Callable[[], str]] = {
    "namespace": lambda: run(["ip", "netns", "list"]).out,
    "link": lambda: run(["ip", "-o", "link"]).out,
    "mount": lambda: Path("/proc/mounts").read_text(),
    "table": lambda: run(["nft", "list", "tables"]).out,
    "control group": lambda: run(["find", "/sys/fs/cgroup", "-name", "towline-*"]).out,
    "process": lambda: run(["ps", "-eo", "pid,args"]).out,
}


def tell(story: Story) -> None:
    """Look for every kind of thing that bears the installation's marks."""
    ledger = story.installation.ledger()
    marks = (ledger.names.prefix, ledger.cgroup, str(story.installation.data))
    before = {kind for kind in _LOOKS if _found(kind, marks)}
    if not {"namespace", "mount", "control group", "process"} <= before:
        raise Unexpected(f"there should be much to remove; there is only: {sorted(before)}")
    story.tell("Also when everything was killed before.")
    story.kill_everything()
    story.towline("down")
    for kind in _LOOKS:
        left = _found(kind, marks)
        if left:
            raise Unexpected(f"a {kind} is left: {left}")


def _found(kind: str, marks: tuple[str, ...]) -> list[str]:
    return [line for line in _LOOKS[kind]().splitlines() if any(mark in line for mark in marks)]
