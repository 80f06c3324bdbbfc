"""Where a sandbox has its things, and how much of the machine it may take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """What `main` decides for the sandbox of one installation."""

    folder: Path
    """Mounts, bundles and logs; the ledger's folder, gone after `towline down`."""
    layers: Path
    """Verified layers; they stay."""
    cgroup: str
    """The control group below which all containers are; the ledger's."""
    ropes_cgroup: str | None = None
    """The control group of those who bring what containers wait for; the ledger's."""
    ca_file: Path | None = None
    """The installation's own authorities, which pulls trust beside the machine's."""
    dial_timeout: float = 30.0  # containerd's
    runtimes: tuple[str, ...] = ("crun", "runc")
    """Which to use, the preferred first."""
    bytes_kept: int = 20 * 1024**3
    """Layers that no pod uses are removed when all layers take more than this."""
    processes: int = 4096
    """How many processes and threads one container may have."""
    start_patience: float = 120.0  # the kubelet's runtimeRequestTimeout
    """Seconds for a runtime to make a container; an image can keep some of them waiting."""
