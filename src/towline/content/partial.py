"""Layers that are not complete: what has come of them, and the file that is being written.

    <root>/<algorithm>-<hex>/         the compressed bytes, see `spans`; they survive
    <root>/<algorithm>-<hex>.layer    the layer as it is unpacked; made anew each time

The names are those of the compressed bytes. A folder that nobody is filling belongs to a download
that was cut: it waits for the next one, unless the room is needed or a week has passed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from towline.content.spans import Spans
from towline.oci.digest import Digest
from towline.oci.manifest import Descriptor

KEPT_FOR = 7 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class CutDownload:
    """What is left of a download that was cut."""

    path: Path
    size: int
    cut_at: float
    """Seconds since the epoch."""

    def remove(self) -> None:
        """Forget it."""
        shutil.rmtree(self.path, ignore_errors=True)


class PartialLayers:
    """A folder of incomplete layers."""

    def __init__(self, root: Path) -> None:
        """Open it, and drop what nobody will go on with."""
        self._root = root
        root.mkdir(parents=True, exist_ok=True)
        for path in root.iterdir():
            if not path.is_dir():
                path.unlink()
        for cut in self.cut(()):
            if not cut.size or cut.cut_at < time.time() - KEPT_FOR:
                cut.remove()

    def spans(self, descriptor: Descriptor) -> Spans:
        """What has come of some compressed bytes."""
        path = self._root / _name(descriptor.digest)
        spans = Spans(path, descriptor.size)
        os.utime(path)
        return spans

    def file(self, digest: Digest) -> Path:
        """Where to write what these compressed bytes unpack to."""
        return self._root / f"{_name(digest)}.layer"

    def cut(self, busy: Collection[Digest]) -> tuple[CutDownload, ...]:
        """All downloads that were cut, the oldest first; `busy` ones are going on."""
        names = set(map(_name, busy))
        folders = (path for path in self._root.iterdir() if path.is_dir())
        found = (_cut(path) for path in folders if path.name not in names)
        return tuple(sorted(found, key=lambda cut: cut.cut_at))


def _name(digest: Digest) -> str:
    return f"{digest.algorithm}-{digest.hex}"


def _cut(path: Path) -> CutDownload:
    return CutDownload(path, sum(_sizes(path)), path.stat().st_mtime)


def _sizes(path: Path) -> Iterator[int]:
    for span in path.iterdir():
        with contextlib.suppress(FileNotFoundError):
            yield span.stat().st_size
