"""Where one installation keeps everything: the paths, and how files in it are written.

`$TOWLINE_DATA`, else `$XDG_STATE_HOME/towline`, else `~/.local/state/towline`.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


def chosen_root(environment: Mapping[str, str]) -> Path:
    """The data directory that the environment asks for."""
    if environment.get("TOWLINE_DATA"):
        return Path(environment["TOWLINE_DATA"]).absolute()
    state = environment.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "towline"


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """The paths of one installation below its root."""

    root: Path

    @property
    def records(self) -> Path:
        """The store that the cloud, the registry and the agent share."""
        return self.root / "records.db"

    @property
    def access_key(self) -> Path:
        """The SecretId and SecretKey that sign cloud requests."""
        return self.root / "access-key.json"

    @property
    def doors(self) -> Path:
        """Where each role listens."""
        return self.root / "doors.json"

    def create(self) -> None:
        """Make the directory, for its owner alone, and its access key unless it has one."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self.access_key.exists():
            key = {"SecretId": f"AKID{secrets.token_hex(16)}", "SecretKey": secrets.token_hex(16)}
            write_secret(self.access_key, json.dumps(key).encode())

    def remember_door(self, role: str, address: str) -> None:
        """Add where a role listens to what the doors file says."""
        known = json.loads(self.doors.read_bytes()) if self.doors.exists() else {}
        write_secret(self.doors, json.dumps(known | {role: address}, indent=2).encode())


def write_secret(path: Path, content: bytes) -> None:
    """Replace a file in one step; only its owner may read it, also while it is being written."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
