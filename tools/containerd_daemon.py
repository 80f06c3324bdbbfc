"""A containerd of our own: everything that it makes is in one folder, and it ends with us."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_CONFIG = """version = 3
root = "{folder}/root"
state = "{folder}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images",
  "io.containerd.cri.v1.runtime", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.blockfile", "io.containerd.nri.v1.nri"]
[grpc]
address = "{folder}/socket"
[ttrpc]
address = "{folder}/ttrpc"
"""


@dataclass(frozen=True, slots=True)
class Daemon:
    """A containerd that answers."""

    process: subprocess.Popen[bytes]
    ctr: tuple[str, ...]
    """How its client is called."""


@contextlib.contextmanager
def containerd(programs: Path, folder: Path, settings: str = "") -> Iterator[Daemon]:
    """Run one with more settings than where its files are."""
    config = folder / "config.toml"
    config.write_text(_CONFIG.format(folder=folder) + settings)
    command = [str(programs / "containerd"), "--config", str(config)]
    search = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=search)
    try:
        daemon = Daemon(process, (str(programs / "ctr"), "--address", f"{folder}/socket"))
        _until_answered(daemon)
        yield daemon
    finally:
        process.terminate()
        process.wait()


def _until_answered(daemon: Daemon) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        asked = subprocess.run([*daemon.ctr, "version"], capture_output=True, check=False)
        if asked.returncode == 0:
            return
        time.sleep(0.05)
    raise RuntimeError("containerd does not answer")
