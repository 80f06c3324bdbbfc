"""Decisions about what is stored: each is made on one state and written only if that still stands.

A decision looks at the records, refuses or answers, and says what is to be written. If somebody
writes one of these records in between, nothing is written and the decision is made anew. Records
that a decision depends on without changing them are written as they are, so that this is noticed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from towline.store.collection import Collection
from towline.store.error import AlreadyExists, Conflict, NotFound
from towline.store.record import Key, Record
from towline.store.store import Store
from towline.store.write import Delete, Update, Write

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Decision(Generic[T]):
    """What is to be written, and what is answered when it is."""

    writes: Sequence[Write]
    answer: T


async def settle(store: Store, decide: Callable[[], Decision[T]]) -> T:
    """Write what `decide` says and answer; ask it again when somebody wrote first.

    `decide` must not wait: it sees one state of the store. What it raises ends this.
    """
    while True:
        decision = decide()
        if not decision.writes:
            return decision.answer
        try:
            await store.apply(decision.writes)
        except (AlreadyExists, Conflict, NotFound):
            continue
        return decision.answer


def witness(collection: Collection[T], scope: str, name: str) -> Update:
    """The write that leaves a record as it is, if it still is as it is seen now."""
    record = _seen(collection, scope, name)
    return Update(record.key, record.value, record.revision)


def removal(collection: Collection[T], scope: str, name: str) -> Delete:
    """The write that removes a record, if it still is as it is seen now."""
    record = _seen(collection, scope, name)
    return Delete(record.key, record.revision)


def _seen(collection: Collection[T], scope: str, name: str) -> Record:
    record = collection.record(scope, name)
    if record is None:
        raise NotFound(Key(collection.kind, scope, name))
    return record
