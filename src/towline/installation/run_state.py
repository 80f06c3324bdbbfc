"""What `up` knows of its roles, in a file that `status` and `down` read.

The file is only true while `up` holds its lock: after a `kill -9` it stays behind and counts for nothing.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from towline.installation.data_directory import write_secret
from towline.installation.lock import holder


class RoleState(msgspec.Struct, frozen=True, kw_only=True):
    """One role as it is now."""

    name: str
    pid: int = 0
    since: float = 0.0
    """Seconds since the epoch at which this process was started."""
    ready: bool = False
    restarts: int = 0
    last_end: str = ""
    """How the process before this one ended."""


class RunState(msgspec.Struct, frozen=True, kw_only=True):
    """The supervisor and its roles."""

    pid: int
    since: float
    roles: tuple[RoleState, ...]

    @property
    def ready(self) -> bool:
        """Whether every role is."""
        return all(role.ready for role in self.roles)


def write(path: Path, state: RunState) -> None:
    """Replace the file in one step."""
    write_secret(path, msgspec.json.encode(state))


def running(lock: Path, path: Path) -> RunState | None:
    """The state of the `up` that runs now; None when none does."""
    if holder(lock) is None:
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=RunState)
    except (FileNotFoundError, msgspec.DecodeError):
        return None  # it has the lock and has not written yet
