"""What a node says of the machine that it is on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

from towline.cluster.node.node_object import Machine

_GO_NAMES = {"x86_64": "amd64", "aarch64": "arm64", "riscv64": "riscv64"}


def this_machine() -> Machine:
    """Read it from the system."""
    system = platform.uname()
    return Machine(
        architecture=_GO_NAMES.get(system.machine, system.machine),
        kernel=system.release,
        system=_system_name(),
        id=_text("/etc/machine-id"),
        boot_id=_text("/proc/sys/kernel/random/boot_id"),
        cpus=os.cpu_count() or 1,
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        version=version("towline"),
    )


def _system_name() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    except OSError:
        return "Linux"


def _text(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
