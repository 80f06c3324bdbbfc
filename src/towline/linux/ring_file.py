"""A file that keeps the last entries which were added to it, also when the process is killed.

It has slots of one size; a new entry goes into the slot of the oldest. Each begins with the number
of its entry, from 1 on, and the entry's length. The file is mapped into memory, so that adding is no
system call; the kernel writes it when it likes. Readers need no lock: they may meet a slot that is
being written, and must be able to tell that what they find in it is nonsense.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

SUFFIX = ".ring"
_HEAD = struct.Struct("=QH")


class RingFile:
    """The writer's side; there is only one writer, and the file is held as long as it lives."""

    def __init__(self, path: Path, slots: int, size: int) -> None:
        """Open or make a file of `slots` entries; one of another shape is begun anew."""
        self._slots, self._size = slots, size
        with path.open("r+b" if path.exists() else "w+b") as file:
            if path.stat().st_size != slots * size:
                file.truncate(0)
                file.truncate(slots * size)
            self._map = mmap.mmap(file.fileno(), slots * size)
        self._last = max(_HEAD.unpack_from(self._map, slot * size)[0] for slot in range(slots))

    @property
    def longest(self) -> int:
        """How many bytes an entry may have."""
        return self._size - _HEAD.size

    def add(self, entry: bytes) -> None:
        """Keep an entry, and forget the oldest."""
        number = self._last = self._last + 1
        begin = number % self._slots * self._size
        content = begin + _HEAD.size
        self._map[content : content + len(entry)] = entry
        _HEAD.pack_into(self._map, begin, number, len(entry))


def entries(path: Path, size: int) -> list[bytes]:
    """What a file with slots of this size keeps, the oldest first; nothing if there is no file."""
    try:
        held = path.read_bytes()
    except FileNotFoundError:
        return []
    found = list[tuple[int, bytes]]()
    for begin in range(0, len(held) - size + 1, size):
        number, length = _HEAD.unpack_from(held, begin)
        if number:
            content = begin + _HEAD.size
            found.append((number, held[content : content + length]))
    return [entry for _, entry in sorted(found)]
