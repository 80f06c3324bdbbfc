"""What is amiss on this machine: roles, doors, disks, the kernel and the programs that are needed."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from towline.client.cloud_registry import Registries
from towline.client.finding import Finding, Report, Severity
from towline.installation.data_directory import DataDirectory
from towline.installation.run_state import RoleState, running

_PATIENCE = 2.0  # seconds for a door on this machine
_OFTEN = 3  # restarts after which a role is not well
_FULL, _NEARLY = 0.03, 0.10  # of a disk that is left
_LEAST = 1 << 30  # bytes without which hardly any image can be pulled
_PROGRAMS: Mapping[str, tuple[str, ...]] = {
    "the network": ("ip", "nft"),
    "containers": ("conmon",),
}
_RUNTIMES = ("crun", "runc")
_LAZY = (6, 12)
"""The first kernel that mounts EROFS from a file (Documentation/filesystems/erofs.rst)."""


@dataclass(frozen=True, slots=True)
class HostDoctor:
    """Looks at one installation from its own machine."""

    data: DataDirectory
    kernel: str
    """As `uname -r` says it."""

    def report(self) -> Report:
        """The findings."""
        findings = [*self._roles(), *self._disks(), *_programs(), *self._kernel()]
        return Report(tuple(findings))

    def _roles(self) -> Iterator[Finding]:
        state = running(self.data.lock, self.data.state)
        if state is None:
            yield Finding(
                severity=Severity.CRITICAL,
                code="not-running",
                about=f"installation in {self.data.root}",
                cause="none of its roles is kept running",
                remedy="start it",
                commands=("towline up --detach",),
            )
            return
        for role in state.roles:
            yield from _role(role, self.data.logs)

    def _disks(self) -> Iterator[Finding]:
        seen = set[int]()
        for folder in (self.data.root, self.data.layers, self.data.registry, self.data.sandboxes):
            if folder.exists() and (device := folder.stat().st_dev) not in seen:
                seen.add(device)
                yield from _disk(folder)

    def _kernel(self) -> Iterator[Finding]:
        numbers = re.match(r"(\d+)\.(\d+)", self.kernel)
        if numbers is None or (int(numbers[1]), int(numbers[2])) >= _LAZY:
            return
        yield Finding(
            severity=Severity.NOTE,
            code="kernel-extracts",
            about=f"kernel {self.kernel}",
            cause="it cannot mount layers as they are (6.12 can), so that they are extracted first",
            remedy="nothing needs to be done; a newer kernel starts pods sooner",
        )


def _role(role: RoleState, logs: Path) -> Iterator[Finding]:
    log = f"less {logs / role.name}.log"
    if not role.ready:
        yield Finding(
            severity=Severity.CRITICAL,
            code="role-not-ready",
            about=f"role {role.name}",
            cause=f"it is not ready; its last end: {role.last_end or 'none'}",
            remedy="see its log",
            commands=(log,),
        )
    elif role.restarts >= _OFTEN:
        yield Finding(
            severity=Severity.WARNING,
            code="role-restarts",
            about=f"role {role.name}",
            cause=f"it was restarted {role.restarts} times; its last end: {role.last_end}",
            remedy="see its log for why",
            commands=(log,),
        )


def _disk(folder: Path) -> Iterator[Finding]:
    room = os.statvfs(folder)
    share = room.f_bavail / room.f_blocks if room.f_blocks else 1.0
    inodes = room.f_favail / room.f_files if room.f_files else 1.0
    free, left = room.f_bavail * room.f_frsize, min(share, inodes)
    if left >= _NEARLY and free >= _LEAST:
        return
    what = "inodes" if inodes < share else "room"
    full = left < _FULL or free < _LEAST
    yield Finding(
        severity=Severity.CRITICAL if full else Severity.WARNING,
        code="disk-full" if full else "disk-nearly-full",
        about=f"disk of {folder}",
        cause=f"{left:.0%} of its {what} is left ({free >> 20} MiB)",
        remedy="make room there, or move the data directory to a larger disk",
        commands=(f"du -xhd1 {folder}",),
    )


def _programs() -> Iterator[Finding]:
    wanted = [(name, what) for what, names in _PROGRAMS.items() for name in names]
    missing = [(name, what) for name, what in wanted if shutil.which(name) is None]
    if not any(map(shutil.which, _RUNTIMES)):
        missing.append((" or ".join(_RUNTIMES), "containers"))
    for name, what in missing:
        yield Finding(
            severity=Severity.WARNING,
            code="program-missing",
            about=f"program {name}",
            cause=f"it is not installed, and the agent needs it for {what}",
            remedy="install it with the system's packages",
        )


@dataclass(frozen=True, slots=True)
class DoorDoctor:
    """Looks whether each registry answers at its door on this machine."""

    registries: Registries

    async def report(self) -> Report:
        """The findings; raises `Problem` when the cloud does not answer."""
        findings = list[Finding]()
        for instance in await self.registries.instances():
            door = (await self.registries.door(instance)).loopback_endpoint
            if door and not await asyncio.to_thread(_listens, door):
                findings.append(_shut(instance.registry_name, door))
        return Report(tuple(findings))


def _listens(door: str) -> bool:
    parts = urlsplit(door)
    try:
        with socket.create_connection((parts.hostname, parts.port or 80), _PATIENCE):
            return True
    except OSError:
        return False


def _shut(name: str, door: str) -> Finding:
    return Finding(
        severity=Severity.CRITICAL,
        code="door-shut",
        about=f"registry {name}",
        cause=f"nobody answers at its door {door}",
        remedy="see whether the registry's role runs",
        commands=("towline status",),
    )
