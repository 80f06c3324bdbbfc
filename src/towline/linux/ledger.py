"""What an installation may have made of a machine, written down before the first of it is made.

Everything that is made bears the installation's id or lies below its folder: so the ledger need not
follow every step, and what was half done when a process was killed is found as well.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import msgspec

from towline.linux.process import boot_id
from towline.network.name import Names


class _Content(msgspec.Struct, frozen=True):
    installation: str
    folder: str
    boot: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """The marks of one installation."""

    path: Path
    installation: str
    """Four letters, the same for the same data directory."""
    folder: Path
    """Where all its mounts, bundles and runtime states are."""
    boot: str
    """The run of the machine in which it was opened."""

    @classmethod
    def open(cls, path: Path, folder: Path) -> Ledger:
        """Read the ledger, or begin it durably. A ledger of an earlier boot is as it was."""
        known = cls.read(path)
        if known is not None:
            return known
        resolved = folder.absolute()
        installation = sha256(os.fsencode(resolved)).hexdigest()[:4]
        ledger = cls(path, installation, resolved, boot_id())
        ledger.write()
        return ledger

    @classmethod
    def read(cls, path: Path) -> Ledger | None:
        """The ledger that is there, if one is."""
        try:
            content = msgspec.json.decode(path.read_bytes(), type=_Content)
        except FileNotFoundError:
            return None
        return cls(path, content.installation, Path(content.folder), content.boot)

    def write(self) -> None:
        """Bring it to the disk."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_name(f".{self.path.name}")
        content = _Content(self.installation, str(self.folder), self.boot)
        with beside.open("wb") as file:
            file.write(msgspec.json.encode(content))
            file.flush()
            os.fsync(file.fileno())
        beside.rename(self.path)

    @property
    def names(self) -> Names:
        """How its namespaces are called."""
        return Names(self.installation)

    @property
    def cgroup(self) -> str:
        """The group below which its containers are."""
        return f"/towline-{self.installation}"

    @property
    def ropes_cgroup(self) -> str:
        """The group of those who bring what containers wait for: they must not end before these."""
        return f"{self.cgroup}-ropes"
