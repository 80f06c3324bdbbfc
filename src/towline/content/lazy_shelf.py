"""Layers that are filled while they are used: a folder for each, by diff ID.

    <root>/<algorithm>-<hex>/layer    the file, whole around its tar (see `lazy_file`)
    <root>/<algorithm>-<hex>/head     the head of its index, which says what belongs in it

When a file is whole it is moved to the others and its folder goes. A folder that nobody fills was
abandoned: what has come is good for the next time, unless the room is needed or a week has passed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from towline.content.partial import KEPT_FOR, CutDownload
from towline.oci.digest import Digest, InvalidDigest


@dataclass(frozen=True, slots=True)
class LazyPlace:
    """Where one layer is filled, or would be."""

    folder: Path

    @property
    def layer(self) -> Path:
        """The file."""
        return self.folder / "layer"

    @property
    def head(self) -> Path:
        """The head of its index."""
        return self.folder / "head"

    def remove(self) -> None:
        """Forget it. Where the file is mounted, it stays until it is unmounted."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def has_no_hole(self) -> bool:
        """Whether something was written everywhere; it need not be what belongs there."""
        try:
            with self.layer.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                return size > 0 and os.lseek(file.fileno(), 0, os.SEEK_HOLE) == size
        except FileNotFoundError:
            return False


class LazyShelf:
    """The folder of all of them."""

    def __init__(self, root: Path) -> None:
        """Open it; what is there stays, for others may be filling it."""
        self._root = root
        root.mkdir(parents=True, exist_ok=True)

    def place(self, diff_id: Digest) -> LazyPlace:
        """Where a layer is filled, or would be."""
        return LazyPlace(self._root / f"{diff_id.algorithm}-{diff_id.hex}")

    def begun(self) -> tuple[Digest, ...]:
        """All layers of which something is here."""
        return tuple(sorted(self._begun(), key=str))

    def abandoned(self, used: Collection[Digest]) -> tuple[CutDownload, ...]:
        """What is left of those that nobody uses, the oldest first; the old ones are removed."""
        found = [_left(self.place(diff_id)) for diff_id in self.begun() if diff_id not in used]
        for left in found:
            if left.cut_at < time.time() - KEPT_FOR:
                left.remove()
        kept = (left for left in found if left.path.exists())
        return tuple(sorted(kept, key=lambda left: left.cut_at))

    def _begun(self) -> Iterator[Digest]:
        for folder in self._root.iterdir():
            with contextlib.suppress(InvalidDigest):
                yield Digest.parse(folder.name.replace("-", ":", 1))


def _left(place: LazyPlace) -> CutDownload:
    try:
        status = place.layer.stat()
    except FileNotFoundError:
        return CutDownload(place.folder, 0, 0.0)  # nothing but a name: it goes at once
    return CutDownload(place.folder, status.st_blocks * 512, status.st_mtime)
