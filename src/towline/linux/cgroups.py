"""Control groups: which hierarchies this machine has, and what is in a group.

Making groups and setting limits is the OCI runtime's work. Ours is to say where, to read whether
the kernel killed for want of memory, and to leave nothing behind.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from towline.linux.mounts import MOUNTINFO

UNIFIED_IN_HYBRID = Path("/sys/fs/cgroup/unified")
_PATIENCE = 5.0
_PAUSE = 0.02


class CgroupLayout(Enum):
    """Which versions are in use."""

    LEGACY = "v1"
    HYBRID = "v1 with v2 beside it"
    UNIFIED = "v2"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Cgroups:
    """The hierarchies of a machine."""

    layout: CgroupLayout
    hierarchies: tuple[Path, ...]
    unified: Path | None = None

    @classmethod
    def parse(cls, mountinfo: str) -> Cgroups:
        """Read `/proc/self/mountinfo`."""
        legacy, unified = list[Path](), list[Path]()
        for line in mountinfo.splitlines():
            before, _, after = line.partition(" - ")
            kind = after.split(" ", 1)[0]
            if kind == "cgroup":
                legacy.append(Path(before.split(" ")[4]))
            elif kind == "cgroup2":
                unified.append(Path(before.split(" ")[4]))
        both = tuple(dict.fromkeys((*legacy, *unified)))
        layout = _LAYOUTS[bool(legacy), bool(unified)]
        return cls(layout, both, unified[0] if unified else None)

    @classmethod
    def of_machine(cls) -> Cgroups:
        """The hierarchies that are mounted now."""
        return cls.parse(MOUNTINFO.read_text())

    def folders(self, group: str) -> list[Path]:
        """Where a group (`/name/name`) stands."""
        places = (hierarchy / group.lstrip("/") for hierarchy in self.hierarchies)
        return [place for place in places if place.is_dir()]

    def processes(self, group: str) -> frozenset[int]:
        """All processes in a group and below."""
        files = (
            Path(folder) / "cgroup.procs"
            for place in self.folders(group)
            for folder, _, _ in os.walk(place)
        )
        return frozenset(pid for file in files for pid in _pids(file))

    def was_starved(self, group: str) -> bool:
        """Whether the kernel killed a process of the group because its memory was used up."""
        return any(
            _counter(place / name, "oom_kill") > 0
            for place in self.folders(group)
            for name in ("memory.oom_control", "memory.events")
        )

    def expect_arrival(self) -> None:
        """Make ready for a process that will be moved into a group within some ten milliseconds.

        Who moves one takes a lock of the whole machine (`cgroup_threadgroup_rwsem` in
        kernel/cgroup/cgroup.c), for which the kernel waits until no processor can hold it: 8 ms, and
        20 where much goes on. For a while it then stays with the movers. Who moves to where he is
        takes it too, and changes nothing.
        """
        for file in self._own(Path("/proc/self/cgroup").read_text()):
            try:
                file.write_text(str(os.getpid()))
            except OSError:
                continue  # not ours to write, or not where it seems to be: the mover waits himself
            return

    def _own(self, groups: str) -> Iterator[Path]:
        """Where the processes are listed of the groups that are ours, of each hierarchy by itself."""
        for line in groups.splitlines():
            _, controllers, group = line.split(":", 2)
            name = controllers.removeprefix("name=")
            for hierarchy in self.hierarchies:
                if (hierarchy.name == name) if name else (hierarchy == self.unified):
                    yield hierarchy / group.lstrip("/") / "cgroup.procs"

    def end(self, group: str) -> None:
        """Kill everything in a group and remove it; blocks until it is gone."""
        deadline = time.monotonic() + _PATIENCE
        while processes := self.processes(group):
            for pid in processes:
                _kill(pid)
            _pause(deadline, f"processes {sorted(processes)} of {group} do not end")
        while folders := self.folders(group):
            if all(_removed(folder) for folder in folders):
                return
            _pause(deadline, f"the control group {folders[0]} cannot be removed")


_LAYOUTS = {
    (True, False): CgroupLayout.LEGACY,
    (True, True): CgroupLayout.HYBRID,
    (False, True): CgroupLayout.UNIFIED,
    (False, False): CgroupLayout.NONE,
}


def _pids(file: Path) -> list[int]:
    try:
        return [int(line) for line in file.read_text().split() if int(line) > 0]
    except OSError:  # the group ended meanwhile
        return []


def _counter(file: Path, name: str) -> int:
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.split()[0] == name), 0)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _removed(folder: Path) -> bool:
    try:
        for inner, _, _ in os.walk(folder, topdown=False):
            Path(inner).rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _pause(deadline: float, complaint: str) -> None:
    if time.monotonic() > deadline:
        raise TimeoutError(complaint)
    time.sleep(_PAUSE)
