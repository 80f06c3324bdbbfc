"""`towline down` leaves nothing of an installation in the kernel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from demo.command import Unexpected, run
from demo.story import REGISTRY, Story
from demo.workload import namespace
from towline.linux.network_namespace import FOLDER

TITLE = "Down: no namespace, link, mount, rule, control group or process is left"
NAMESPACE = "farewell"
_LOOPBACK = "<LOOPBACK"  # the flag of the one link that every namespace has
_LOOKS: dict[str, Callable[[str], str]] = {
    "namespace": lambda _mark: run(["ip", "netns", "list"]).out,
    "link": lambda mark: _everywhere(mark, "ip", "-o", "link"),
    "mount": lambda _mark: Path("/proc/mounts").read_text(),
    "table": lambda mark: _everywhere(mark, "nft", "list", "tables"),
    "control group": lambda _mark: run(["find", "/sys/fs/cgroup", "-name", "towline-*"]).out,
    "process": lambda _mark: run(["ps", "-eo", "pid,args"]).out,
}


def tell(story: Story) -> None:
    """Look for every kind of thing that bears the installation's marks."""
    story.link()
    image = story.push("team/farewell:1", "until the end")
    story.apply("default", namespace(NAMESPACE, release=REGISTRY))
    story.run_pod(NAMESPACE, "last", image)
    story.runs(NAMESPACE, "last")
    ledger = story.installation.ledger()
    mark = ledger.names.prefix.removesuffix("-")  # a wire on the host bears it alone
    marks = (mark, ledger.cgroup, str(story.installation.data))
    missing = [kind for kind in _LOOKS if not _found(kind, marks)]
    if missing:
        raise Unexpected(f"there should be much to remove; there is no {' and no '.join(missing)}")
    story.tell("Also when everything was killed before.")
    story.kill_everything()
    story.towline("down")
    for kind in _LOOKS:
        left = _found(kind, marks)
        if left:
            raise Unexpected(f"a {kind} is left: {left}")


def _found(kind: str, marks: tuple[str, ...]) -> list[str]:
    lines = _LOOKS[kind](marks[0]).splitlines()
    return [line for line in lines if any(mark in line for mark in marks)]


def _everywhere(mark: str, *command: str) -> str:
    """What a program finds on the host and, after their names, in the installation's namespaces."""
    found = [run(command).out]
    for path in FOLDER.glob(f"{mark}-*"):
        inside = run(["nsenter", f"--net={path}", *command]).out.splitlines()
        found += [f"{path.name}: {line}" for line in inside if _LOOPBACK not in line]
    return "\n".join(found)
