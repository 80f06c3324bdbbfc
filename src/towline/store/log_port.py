"""What a store needs of the log on which its records last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from towline.store.record import Record
from towline.store.write import Entry

KEEP = 10_000  # revisions of history that last; Kubernetes keeps about five minutes
FOLD = 1_000  # rows folded at once: a few milliseconds of write lock

Decide = Callable[[Sequence[Entry]], Sequence[Entry]]


class Behind(Exception):
    """Others have compacted revisions that this process has not read."""


class Log(Protocol):
    """One process's view of a log that several share. All methods block and belong to one thread at a
    time.
    """

    failure: type[Exception]
    """What the methods raise when the database does not do its part."""
    remedy: str
    """What a person can do about that."""

    def load(self) -> tuple[int, tuple[Record, ...], list[Entry]]:
        """Read everything: a revision, the records of that time, and what happened since."""

    def changed(self) -> bool:
        """Whether another process may have written since this was last asked; never waits."""

    def tail(self) -> list[Entry]:
        """What others have appended since; raises `Behind` when part of it is gone."""

    def append(self, decide: Decide) -> None:
        """Append durably what `decide` answers to the entries that others appended meanwhile."""

    def close(self) -> None:
        """Let go of the database."""
