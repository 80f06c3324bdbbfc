"""Files whose bytes come when they are read: fanotify's pre-content events, Linux 6.14 and later.

A group marks files. Whoever reads a marked file, a process or the kernel itself for a filesystem
that is mounted from it, waits until the group answers: *allow* when the bytes of the range are in
place, or *deny*, which the reader sees as an error. Needs `CAP_SYS_ADMIN` in the first user
namespace, and a filesystem below that takes part (ext4, XFS and Btrfs do). See fanotify(7) and the
kernel's `include/uapi/linux/fanotify.h`.

**When the last descriptor of a group is closed while it has marks, whoever waits or comes later
reads what is there: zeros where nothing was written yet, without an error.** So whoever owns a group
closes it only after every file that it marked is whole or will never be read again.

A reader whose question was given to a process that then died waits on. It is let go by whoever holds
the group and writes the number that the question had in the dead process. So the kernel writes a
question straight into memory that outlives its reader, if `read_into` is given such: it does so
before the question counts as asked (`copy_event_to_user` in `fs/notify/fanotify/fanotify_user.c`).
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, Self

_CLOEXEC, _NONBLOCK, _CLASS_PRE_CONTENT = 1, 2, 8
_UNLIMITED_QUEUE = 0x10
_MARK_ADD, _MARK_REMOVE = 1, 2
_PRE_ACCESS = 0x0010_0000
_Q_OVERFLOW = 0x0000_4000
_VERSION = 3
_RANGE = 6  # FAN_EVENT_INFO_TYPE_RANGE
_NO_DESCRIPTOR = -1
_BUFFER = 64 * 1024
_EVENT = struct.Struct("=IBBHQii")
_RECORD = struct.Struct("=BBH")
_SPREAD = struct.Struct("=IQQ")
_RESPONSE = struct.Struct("=iI")
_CANNOT = frozenset({errno.ENOSYS, errno.EINVAL, errno.EPERM, errno.EOPNOTSUPP, errno.ENODEV})
_libc = ctypes.CDLL(None, use_errno=True)


EVENT_SIZE = _EVENT.size + _RECORD.size + _SPREAD.size
"""Bytes of a question: it always says which bytes are wanted, as only regular files are marked."""


class CannotWatch(Exception):
    """This kernel, or the filesystem of a file, has no pre-content events for us."""


class Verdict(Enum):
    """What a reader hears."""

    ALLOW = 1
    """It reads what is in the file now."""
    DENY = 2
    """It gets an error: EPERM, or EIO through a filesystem mounted from the file."""


class HasDescriptor(Protocol):
    """An open file."""

    def fileno(self) -> int:
        """Its descriptor."""
        ...


@dataclass(frozen=True, slots=True)
class Access:
    """Somebody waits to read a part of a marked file."""

    descriptor: int
    """The file, open; it names the event until it is answered, and `answer` closes it."""
    pid: int
    """Who reads, or 0 when that is somebody in a process namespace that we do not see."""
    begin: int
    size: int

    @property
    def inode(self) -> int:
        """Which file on its filesystem."""
        return os.fstat(self.descriptor).st_ino


class PreContent:
    """A group of marked files. Every `Access` that it gives must be answered."""

    def __init__(self, group: int) -> None:
        """A group that is there, by its descriptor."""
        self._group = group

    @classmethod
    def make(cls) -> Self:
        """Make a group; raises `CannotWatch`."""
        # When a limited queue is full, the kernel lets readers go on, to zeros.
        flags = _CLASS_PRE_CONTENT | _CLOEXEC | _NONBLOCK | _UNLIMITED_QUEUE
        try:
            return cls(_checked(_libc.fanotify_init(flags, os.O_RDONLY | os.O_CLOEXEC)))
        except OSError as error:
            raise _translated(error) from error

    def fileno(self) -> int:
        """Readable when somebody waits."""
        return self._group

    def mark(self, file: HasDescriptor) -> None:
        """From now on whoever reads this file waits for us; raises `CannotWatch`."""
        try:
            self._change(_MARK_ADD, file)
        except OSError as error:
            raise _translated(error) from error

    def unmark(self, file: HasDescriptor) -> None:
        """Nobody waits for us any more; raises `OSError` when the file was not marked."""
        self._change(_MARK_REMOVE, file)

    def accesses(self) -> tuple[Access, ...]:
        """Those who wait and were not given yet; empty when there are none."""
        try:
            return tuple(_accesses(os.read(self._group, _BUFFER)))
        except BlockingIOError:
            return ()

    def read_into(self, place: memoryview) -> Access | None:
        """One of them, of which the kernel writes all that is to be known of it into `place`, which
        has `EVENT_SIZE` bytes; None when nobody waits.
        """
        try:
            os.readv(self._group, [place])
        except BlockingIOError:
            return None
        return read_access(place)

    def answer(self, access: Access, verdict: Verdict) -> None:
        """Let a reader go on; one that was killed meanwhile is nobody to answer to."""
        try:
            self.respond(access.descriptor, verdict)
        finally:
            os.close(access.descriptor)

    def respond(self, number: int, verdict: Verdict) -> None:
        """Likewise, by the number that the question has or had; it stays open where it is."""
        try:
            os.write(self._group, _RESPONSE.pack(number, verdict.value))
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise

    def close(self) -> None:
        """Let the group go. See above for what this means to files that have holes."""
        os.close(self._group)

    def _change(self, what: int, file: HasDescriptor) -> None:
        path = f"/proc/self/fd/{file.fileno()}".encode()
        mask = ctypes.c_uint64(_PRE_ACCESS)
        _checked(_libc.fanotify_mark(self._group, what, mask, -1, path))


def can_watch() -> bool:
    """Whether this kernel has such groups for us; a filesystem may yet have no events."""
    try:
        PreContent.make().close()
    except CannotWatch:
        return False
    return True


def read_access(event: bytes | memoryview) -> Access:
    """What `read_into` left, perhaps for another process."""
    (access,) = _accesses(bytes(event))
    return access


def _accesses(events: bytes) -> Iterator[Access]:
    position = 0
    while position + _EVENT.size <= len(events):
        size, version, _, head, mask, descriptor, pid = _EVENT.unpack_from(events, position)
        if version != _VERSION:
            raise RuntimeError(f"fanotify speaks version {version}, not {_VERSION}")
        if descriptor != _NO_DESCRIPTOR and not mask & _Q_OVERFLOW:
            begin, count = _range(events[position + head : position + size])
            yield Access(descriptor, pid, begin, count)
        position += size


def _range(records: bytes) -> tuple[int, int]:
    """Which bytes; all of them when the kernel does not say."""
    position = 0
    while position + _RECORD.size <= len(records):
        kind, _, size = _RECORD.unpack_from(records, position)
        if kind == _RANGE:
            _, begin, count = _SPREAD.unpack_from(records, position + _RECORD.size)
            return begin, count
        position += max(size, _RECORD.size)
    return 0, (1 << 63) - 1


def _translated(error: OSError) -> Exception:
    return CannotWatch(str(error)) if error.errno in _CANNOT else error


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return int(result)
