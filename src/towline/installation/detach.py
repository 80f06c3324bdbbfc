"""Work that goes on in the background when the command that began it has ended.

A fork, not a new program: the command has imported everything already. It must happen before any
thread or event loop exists.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

Tell = Callable[[bytes], None]


def in_background(work: Callable[[Tell], int], log: Path) -> Iterator[bytes]:
    """Run `work` in a session of its own; the lines it tells, until it has closed or ended.

    Its output goes to `log`; the number it returns is its exit code. An interruption while waiting
    for its words ends it.
    """
    hearing, telling = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(hearing)
        _run_alone(work, log, telling)
    os.close(telling)
    try:
        with os.fdopen(hearing, "rb") as heard:
            yield from heard
    except KeyboardInterrupt:
        os.kill(child, signal.SIGTERM)
        raise


def _run_alone(work: Callable[[Tell], int], log: Path, telling: int) -> None:
    code = 1
    try:
        os.setsid()
        _redirect(log)
        code = work(_Voice(telling).tell)
    except BaseException:  # noqa: BLE001  # told to the log, and the exit code stays 1
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)  # the command's own clean-up belongs to the parent


def _redirect(log: Path) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(nothing)
    os.close(output)


class _Voice:
    """Says lines to the parent. An empty one is the last; later ones are not heard."""

    def __init__(self, descriptor: int) -> None:
        self._pipe = os.fdopen(descriptor, "wb", buffering=0)

    def tell(self, word: bytes) -> None:
        """Say a line, if the parent still listens."""
        if self._pipe.closed:
            return
        if not word:
            self._pipe.close()
            return
        with contextlib.suppress(BrokenPipeError):
            self._pipe.write(word + b"\n")
