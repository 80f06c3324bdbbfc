"""The log of one resolver: the last questions that it was asked, in a ring on disk."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path

from towline.linux.ring_file import SUFFIX, RingFile
from towline.network.query_log import SLOT, noted

KEPT = 2048  # questions of each resolver


class QueryLog:
    """Notes what is answered."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._ring = RingFile(path, KEPT, SLOT)

    def note(self, client: str, answer: bytes) -> None:
        """Keep an answer that was sent; one that is too long is kept without its end."""
        self._ring.add(noted(time.time(), client, answer)[: self._ring.longest])


def forget_others(folder: Path, resolvers: Collection[str]) -> None:
    """Remove the logs of all resolvers but these."""
    keep = {path_of(folder, resolver) for resolver in resolvers}
    for path in folder.glob(f"*{SUFFIX}"):
        if path not in keep:
            path.unlink(missing_ok=True)


def path_of(folder: Path, resolver: str) -> Path:
    """The file of a resolver's log: of a VPC by its id, or of `INTERNET`."""
    return folder / f"{resolver}{SUFFIX}"
