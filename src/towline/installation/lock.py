"""Locks that end with their process, however it ends: one `up` and one of each role on a directory.

The lock is the kernel's (`flock`); the file's content only says who holds it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from towline.problem import Problem


@contextmanager
def held(path: Path, what: str, remedy: str) -> Iterator[None]:
    """Hold the lock for the length of the block; raises `Problem` when another process does.

    `what` names the thing that only one process may be, as in "the cloud role".
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Problem(
                "already-running",
                cause=f"{what} is already running in {path.parent.parent} (process {_said(path)})",
                remedy=remedy,
            ) from None
        file.truncate()
        file.write(str(os.getpid()).encode())
        file.flush()
        yield
        file.truncate(0)


@contextmanager
def in_turn(path: Path) -> Iterator[None]:
    """Run the block when no other process runs one under this path; waits for as long as that takes."""
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600)) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def holder(path: Path) -> int | None:
    """The process that holds the lock; None when nobody does."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return _said(path)
    return None


def _said(path: Path) -> int:
    """The number in the file: 0 in the instant between taking the lock and writing it."""
    return int(path.read_bytes() or b"0")
