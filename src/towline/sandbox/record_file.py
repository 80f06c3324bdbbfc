"""Values in files that are either whole or not there.

A process may be killed at any moment, so a file is written beside its place and renamed. It is not
brought to the disk: when the machine itself stops, what it describes is gone as well.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

import msgspec

_T = TypeVar("_T")


def read(path: Path, kind: type[_T]) -> _T | None:
    """What was written, or None."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (FileNotFoundError, NotADirectoryError):
        return None


def write(path: Path, value: object) -> None:
    """Replace what is there, in a folder that exists."""
    replace(path, msgspec.json.encode(value))


def replace(path: Path, content: bytes, mode: int = 0o644) -> None:
    """The same for plain bytes. Nobody whom `mode` keeps out can read them at any moment."""
    beside = path.with_name(f".{path.name}")
    beside.unlink(missing_ok=True)  # of a process that was killed; its mode may be another
    fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(fd, "wb") as file:
        os.fchmod(fd, mode)  # what the umask took away
        file.write(content)
    beside.rename(path)
