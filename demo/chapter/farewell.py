"""`towline down` leaves nothing of an installation in the kernel."""

from __future__ import annotations

from collections.abc import Callable

from demo.command import Unexpected, run
from demo.story import Story

TITLE = "Down: no namespace, link, mount, rule or process is left"
_LOOKS: dict[str, Callable[[], str]] = {
    "namespace": lambda: run(["ip", "netns", "list"]).out,
    "link": lambda: run(["ip", "-o", "link"]).out,
    "mount": lambda: run(["cat", "/proc/mounts"]).out,
    "table": lambda: run(["nft", "list", "tables"]).out,
}


def tell(story: Story) -> None:
    """Look for every kind of thing that it made."""
    story.towline("down")
    for kind, look in _LOOKS.items():
        left = [line for line in look().splitlines() if "tl-" in line]
        if left:
            raise Unexpected(f"a {kind} is left: {left}")
    data = str(story.installation.data)
    processes = run(["ps", "-eo", "pid,args"]).out.splitlines()
    left = [line for line in processes if data in line]
    if left:
        raise Unexpected(f"processes are left: {left}")
