"""The processes that work on containers: conmon, the runtime, and the script around it.

They are told by the state folder that each of them was given, which no other installation has; so
what was left by a process that was killed can be found and ended.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from towline.linux.process import Process

_PATIENCE = 5.0
_PAUSE = 0.01


def runtime_processes(state: Path, container: str | None = None) -> Iterator[Process]:
    """All that work with this state folder, or with one container in it."""
    marks = {f"--root={state}", f"--runtime-arg=--root={state}"}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = os.fsdecode((entry / "cmdline").read_bytes()).split("\0")
        except OSError:
            continue
        if marks.isdisjoint(words) or (container is not None and container not in words):
            continue
        process = Process.of(int(entry.name))
        if process is not None:
            yield process


def end_runtime_processes(state: Path, container: str | None = None, *, grace: float = 0.0) -> None:
    """Wait until they have ended, and after `grace` seconds kill them; blocks.

    Conmon ends by itself after its container.
    """
    begin = time.monotonic()
    while found := list(runtime_processes(state, container)):
        waited = time.monotonic() - begin
        if waited > grace + _PATIENCE:
            raise TimeoutError(f"processes {[each.pid for each in found]} do not end")
        if waited >= grace:
            for process in found:
                process.signal(signal.SIGKILL)
        time.sleep(_PAUSE)
