"""Whether the disk has room for all that is coming.

A manifest says how much is fetched, not how much it unpacks to; it is rarely less. So a layer needs
its size twice, at least, and what is promised to one download is not there for another.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from towline.oci.digest import Digest
from towline.oci.manifest import Descriptor
from towline.pull.failure import Failed, Failure, Place, StorageFailed


class Room:
    """The room on the filesystem of a folder, and who is filling it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._coming = dict[Digest, int]()

    @property
    def coming(self) -> frozenset[Digest]:
        """Whose bytes are coming."""
        return frozenset(self._coming)

    def has(self, size: int) -> bool:
        """Whether there is room for so many bytes beside all that is coming."""
        return size + sum(self._coming.values()) <= self._free()

    def _free(self) -> int:
        status = os.statvfs(self._folder)
        return status.f_bavail * status.f_frsize

    @contextmanager
    def promised(self, descriptor: Descriptor, have: int) -> Iterator[None]:
        """Room for what is still to come. Raises `Failed` when there is not enough."""
        free = self._free()
        wanted = 2 * descriptor.size - have
        needed = wanted + sum(self._coming.values())
        if needed > free:
            detail = f"{needed} bytes are needed at least, {free} are free"
            cause = StorageFailed(f"write {self._folder}: no space left on device ({detail})")
            raise Failed(Failure(Place.UNPACK, cause))
        self._coming[descriptor.digest] = wanted
        try:
            yield
        finally:
            del self._coming[descriptor.digest]

    def note(self, descriptor: Descriptor, have: int) -> None:
        """So many compressed bytes are here by now, and about as many unpacked."""
        if descriptor.digest in self._coming:
            self._coming[descriptor.digest] = 2 * (descriptor.size - have)
