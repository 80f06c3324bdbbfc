"""How the store refuses: each class tells the caller what to do next."""

from __future__ import annotations

from towline.store.record import Key, Record


class StoreError(Exception):
    """A write or a watch that the store's state does not allow."""


class AlreadyExists(StoreError):
    """The key to create is taken; `record` holds it."""

    def __init__(self, record: Record) -> None:
        super().__init__(f"{'/'.join(record.key)} already exists")
        self.record = record


class NotFound(StoreError):
    """Nothing is stored under `key`."""

    def __init__(self, key: Key) -> None:
        super().__init__(f"{'/'.join(key)} does not exist")
        self.key = key


class Conflict(StoreError):
    """Somebody wrote first: `record` is what they wrote. Read it, decide anew, try again."""

    def __init__(self, record: Record) -> None:
        super().__init__(f"{'/'.join(record.key)} was changed by revision {record.revision}")
        self.record = record


class Compacted(StoreError):
    """The history after `after` is no longer complete: list anew, and watch from that listing."""

    def __init__(self, after: int, oldest: int) -> None:
        super().__init__(f"revision {after} is too old; history begins after {oldest}")
        self.after = after
        self.oldest = oldest


class Overrun(Compacted):
    """The watcher was so slow that history went past it: it must list anew."""
