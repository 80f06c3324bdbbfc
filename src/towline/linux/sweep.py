"""Complete removal: after it the machine holds nothing of an installation but its data.

Only what bears the installation's marks is touched, each process by its number. It may be run at
any time, after any crash, and again.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from towline.linux import network_namespace
from towline.linux.cgroups import Cgroups
from towline.linux.ledger import Ledger
from towline.linux.mounts import unmount_below
from towline.linux.process import Process

_PATIENCE = 5.0
_PAUSE = 0.02
_PROGRAMS = frozenset({"conmon", "crun", "runc"})


def sweep(ledger: Ledger) -> None:
    """Remove processes, mounts, control groups, namespaces and the ledger; blocks until they are
    gone.

    The agent must have ended before. Layers and records stay.
    """
    cgroups = Cgroups.of_machine()
    cgroups.end(ledger.cgroup)
    _end_monitors(ledger.folder)
    cgroups.end(ledger.cgroup)  # a monitor may have been about to start one more
    unmount_below(ledger.folder)
    for name in network_namespace.names(ledger.names.prefix):
        network_namespace.delete(name)
    if ledger.folder.exists():
        shutil.rmtree(ledger.folder)
    ledger.path.unlink(missing_ok=True)


def _end_monitors(folder: Path) -> None:
    """End conmon and the runtime where they work on bundles of ours.

    Conmon ends by itself after its container; it is killed if it does not.
    """
    deadline = time.monotonic() + _PATIENCE
    while monitors := list(_monitors(folder)):
        late = time.monotonic() > deadline - _PATIENCE / 2
        for monitor in monitors:
            if late:
                monitor.signal(signal.SIGKILL)
        if time.monotonic() > deadline:
            raise TimeoutError(f"processes {[each.pid for each in monitors]} do not end")
        time.sleep(_PAUSE)


def _monitors(folder: Path) -> Iterator[Process]:
    """Processes of these programs that were given a path below the folder."""
    inside = os.fsencode(folder) + b"/"
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            arguments = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        program = Path(os.fsdecode(arguments[0])).name
        if program in _PROGRAMS and any(inside in argument for argument in arguments[1:]):
            process = Process.of(int(entry.name))
            if process is not None:
                yield process
