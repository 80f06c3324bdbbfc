"""The system calls that Python's library lacks, with errors as `OSError`."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

CLONE_NEWNET = 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_BIND, MS_PRIVATE = 1, 2, 4, 4096, 1 << 18
MNT_DETACH, UMOUNT_NOFOLLOW = 2, 8
FSCONFIG_SET_FLAG, FSCONFIG_SET_STRING, FSCONFIG_CMD_CREATE = 0, 1, 6
MOVE_MOUNT_F_EMPTY_PATH = 4
AT_FDCWD = -100
RESOLVE_IN_ROOT = 0x10
# The numbers are the same on every architecture: Linux gave new calls one number since 5.1.
_MOVE_MOUNT, _FSOPEN, _FSCONFIG, _FSMOUNT, _OPENAT2 = 429, 430, 431, 432, 437
_READ_ONLY = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY
_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """Leave some namespaces, this thread only."""
    _checked(_libc.unshare(flags), "unshare")


def mount(
    source: Path | str, target: Path, kind: str | None, flags: int = 0, data: str = ""
) -> None:
    """mount(2)."""
    result = _libc.mount(
        os.fsencode(source),
        os.fsencode(target),
        None if kind is None else kind.encode(),
        ctypes.c_ulong(flags),
        os.fsencode(data) if data else None,
    )
    _checked(result, str(target))


def unmount(target: Path, flags: int = MNT_DETACH | UMOUNT_NOFOLLOW) -> None:
    """umount2(2)."""
    _checked(_libc.umount2(os.fsencode(target), flags), str(target))


def mount_configured(kind: str, options: list[tuple[str, str]], target: Path, flags: int) -> None:
    """Mount by fsopen(2): options one by one, of any length and with any characters in them; those
    without a value are switches.
    """
    context = _checked(_libc.syscall(_FSOPEN, kind.encode(), 1), kind)
    try:
        for name, value in options:
            if value:
                _configure(context, FSCONFIG_SET_STRING, os.fsencode(name), os.fsencode(value))
            else:
                _configure(context, FSCONFIG_SET_FLAG, os.fsencode(name), None)
        _configure(context, FSCONFIG_CMD_CREATE, None, None)
        mounted = _checked(_libc.syscall(_FSMOUNT, context, 1, flags), str(target))
    finally:
        os.close(context)
    try:
        moved = _libc.syscall(
            _MOVE_MOUNT, mounted, b"", AT_FDCWD, os.fsencode(target), MOVE_MOUNT_F_EMPTY_PATH
        )
        _checked(moved, str(target))
    finally:
        os.close(mounted)


def open_below(root: Path, path: str, flags: int = _READ_ONLY) -> int:
    """Open a file as if `root` were the root directory, symbolic links included.

    By default for reading, without waiting for the other end of a pipe.
    """
    folder = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        how = (ctypes.c_uint64 * 3)(flags | os.O_CLOEXEC, 0, RESOLVE_IN_ROOT)
        opened = _libc.syscall(
            _OPENAT2, folder, os.fsencode(path), how, ctypes.c_size_t(ctypes.sizeof(how))
        )
        return _checked(opened, path)
    finally:
        os.close(folder)


def _configure(context: int, command: int, name: bytes | None, value: bytes | None) -> None:
    result = _libc.syscall(_FSCONFIG, context, command, name, value, 0)
    _checked(result, os.fsdecode(name or b"mount"))


def _checked(result: int, subject: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), subject)
    return result
