"""Mounts of layers and of what containers write, all below folders of ours."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from towline.linux.system_call import (
    MS_BIND,
    MS_NODEV,
    MS_NOSUID,
    MS_PRIVATE,
    MS_RDONLY,
    mount,
    mount_configured,
    open_below,
    unmount,
)

MOUNTINFO = Path("/proc/self/mountinfo")
MOUNT_ATTR_NODEV = 4
_ESCAPED = re.compile(r"\\([0-7]{3})")
_NO_FILE_MOUNTS = frozenset({errno.ENOTBLK, errno.ENODEV, errno.EINVAL, errno.EOPNOTSUPP})
_NO_NEW_CALLS = frozenset({errno.ENOSYS, errno.EINVAL, errno.EPERM})


class CannotMountFiles(Exception):
    """This kernel mounts no EROFS from a file: it is older than 6.12, or made without it."""


def mount_layer(file: Path, target: Path) -> None:
    """Mount a layer file, read-only; raises `CannotMountFiles`."""
    try:
        mount(file, target, "erofs", MS_RDONLY | MS_NODEV)
    except OSError as error:
        if error.errno in _NO_FILE_MOUNTS:
            raise CannotMountFiles(str(error)) from error
        raise


def mount_overlay(lowers: Sequence[Path], upper: Path, work: Path, target: Path) -> None:
    """Stack folders, lowest first, and let writes go to `upper`.

    They are not brought to the disk, and what is written does not outlive the machine's next start:
    else unmounting would write out all that its filesystem holds in memory, layers that have just
    come among it (`volatile` in the kernel's Documentation/filesystems/overlayfs.rst).
    """
    top_first = [str(lower) for lower in reversed(lowers)]
    options = [*(("lowerdir+", lower) for lower in top_first)]
    options += [("upperdir", str(upper)), ("workdir", str(work)), ("volatile", "")]
    try:
        mount_configured("overlay", options, target, MOUNT_ATTR_NODEV)
    except OSError as error:
        if error.errno not in _NO_NEW_CALLS:
            raise
        # Before Linux 6.8: one string of a page at most.
        joined = ":".join(_escape(lower) for lower in top_first)
        data = f"lowerdir={joined},upperdir={_escape(str(upper))},workdir={_escape(str(work))},volatile"
        mount("overlay", target, "overlay", MS_NODEV, data)


def mount_memory(target: Path, options: str) -> None:
    """Mount a filesystem that is only in memory."""
    mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, options)


def mount_part(root: Path, path: str, target: Path) -> None:
    """Show a file or folder below `root` at another place; links never lead out of `root`.

    What is shown is what was opened, whatever others do to the path meanwhile.
    """
    fd = open_below(root, path, os.O_PATH)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            target.mkdir()
        else:
            target.touch()
        mount(f"/proc/self/fd/{fd}", target, None, MS_BIND)
    finally:
        os.close(fd)


def make_folders(root: Path, path: str, mode: int) -> None:
    """Make the missing folders of a path below `root`; links never lead out of it."""
    known = ""
    for name in PurePosixPath(path).parts:
        try:
            fd = open_below(root, known or ".", os.O_PATH | os.O_DIRECTORY)
        except NotADirectoryError:
            return
        try:
            os.mkdir(name, mode, dir_fd=fd)
            _set_mode(name, fd, mode)
        except FileExistsError:
            pass
        finally:
            os.close(fd)
        known = f"{known}/{name}"


def _set_mode(name: str, folder: int, mode: int) -> None:
    """Of a folder, and of nothing that somebody put into its place."""
    fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        os.fchmod(fd, mode)
    finally:
        os.close(fd)


def keep_private(folder: Path) -> None:
    """Let nothing that is mounted below a folder spread to other mount namespaces."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not is_mounted(folder):
        mount(folder, folder, None, MS_BIND)
        mount("none", folder, None, MS_PRIVATE)


def mounts_below(folder: Path) -> list[Path]:
    """The mount points at and below a folder, the last made first."""
    root = folder.resolve()
    points = (Path(_unescape(line.split(" ")[4])) for line in MOUNTINFO.read_text().splitlines())
    return [point for point in reversed(list(points)) if point.is_relative_to(root)]


def is_mounted(folder: Path) -> bool:
    """Whether something is mounted exactly here."""
    return folder.resolve() in mounts_below(folder)


def unmount_if_mounted(target: Path) -> None:
    """Unmount; nothing happens if nothing is mounted there."""
    try:
        unmount(target)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOENT}:
            raise


def unmount_below(folder: Path) -> None:
    """Unmount everything at and below a folder."""
    while points := mounts_below(folder):
        for point in points:
            unmount_if_mounted(point)


def _escape(path: str) -> str:
    return re.sub(r"([\\:,])", r"\\\1", path)


def _unescape(text: str) -> str:
    """The kernel writes blanks and backslashes in octal."""
    raw = _ESCAPED.sub(lambda match: chr(int(match[1], 8)), text)
    return os.fsdecode(raw.encode(errors="surrogateescape"))
