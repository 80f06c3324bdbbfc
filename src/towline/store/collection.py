"""A kind of record as values of one type."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from towline.store.error import Compacted, Conflict, NotFound
from towline.store.feed import Watch
from towline.store.record import Change, Event, Key, Record
from towline.store.store import Store
from towline.store.write import Create, Delete, Update

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """One change as a typed watch shows it; `value` of a deletion is the last one."""

    change: Change
    value: T
    previous: T | None
    revision: int


class Collection(Generic[T]):
    """The values of `type` that a store keeps under `kind`, addressed by scope and name."""

    def __init__(self, store: Store, kind: str, type: type[T]) -> None:  # noqa: A002  # the word for it
        self.store = store
        self.kind = kind
        self._decoder = msgspec.json.Decoder(type)
        self._encoder = msgspec.json.Encoder()

    def get(self, scope: str, name: str) -> T | None:
        """The value, if there is one."""
        record = self.record(scope, name)
        return None if record is None else self.decode(record)

    def record(self, scope: str, name: str) -> Record | None:
        """The record behind the value, with its revision."""
        return self.store.get(Key(self.kind, scope, name))

    def list(self, scope: str | None = None) -> tuple[T, ...]:
        """All values of a scope, or of all scopes, in key order."""
        return tuple(self.decode(record) for record in self.store.list(self.kind, scope).records)

    def by_age(self, scope: str | None = None) -> tuple[T, ...]:
        """All values of a scope, or of all scopes, the oldest first."""
        records = sorted(self.store.list(self.kind, scope).records, key=lambda one: one.created)
        return tuple(self.decode(record) for record in records)

    async def create(self, scope: str, name: str, value: T) -> T:
        """Store a new value; raises `AlreadyExists`."""
        await self.store.apply([self.creation(scope, name, value)])
        return value

    async def update(self, scope: str, name: str, change: Callable[[T], T]) -> T:
        """Replace the value by what `change` makes of it, anew if somebody writes meanwhile; raises
        `NotFound`.

        Nothing is written when `change` answers an equal value.
        """
        key = Key(self.kind, scope, name)
        record = self.store.get(key)
        while True:
            if record is None:
                raise NotFound(key)
            held = self.decode(record)
            value = change(held)
            if value == held:
                return value
            try:
                await self.store.apply([self.replacement(record, value)])
            except Conflict as conflict:
                record = conflict.record
            else:
                return value

    async def delete(self, scope: str, name: str) -> None:
        """Remove the value; raises `NotFound`."""
        await self.store.apply([self.removal(scope, name)])

    def creation(self, scope: str, name: str, value: T) -> Create:
        """The write that stores a new value, for `Store.apply`."""
        return Create(Key(self.kind, scope, name), self._encoder.encode(value))

    def replacement(self, record: Record, value: T) -> Update:
        """The write that replaces exactly `record`, for `Store.apply`."""
        return Update(record.key, self._encoder.encode(value), record.revision)

    def substitution(self, scope: str, name: str, value: T) -> Update:
        """The write that replaces what this process sees now; raises `NotFound`."""
        record = self.record(scope, name)
        if record is None:
            raise NotFound(Key(self.kind, scope, name))
        return self.replacement(record, value)

    def removal(self, scope: str, name: str) -> Delete:
        """The write that removes whatever is there, for `Store.apply`."""
        return Delete(Key(self.kind, scope, name))

    async def watch(self, scope: str | None = None, *, after: int) -> AsyncIterator[Seen[T]]:
        """The changes after a revision; raises `Compacted` when they are no longer all known."""
        async for event in self.store.watch(self.kind, scope, after=after):
            yield self._seen(event)

    async def follow(self, scope: str | None = None) -> AsyncIterator[tuple[T, ...]]:
        """All values now, and again after every change (several changes at once count as one).
        Never ends.
        """
        watch = self._start(scope)
        yield self.list(scope)
        while True:
            try:
                await anext(watch)
                while watch.take() is not None:
                    pass
            except Compacted:
                watch = self._start(scope)
            yield self.list(scope)

    def decode(self, record: Record) -> T:
        """The value that a record of this kind holds."""
        return self._decoder.decode(record.value)

    def _start(self, scope: str | None) -> Watch:
        return self.store.watch(self.kind, scope, after=self.store.revision)

    def _seen(self, event: Event) -> Seen[T]:
        previous = None if event.previous is None else self.decode(event.previous)
        return Seen(event.change, self.decode(event.record), previous, event.record.revision)
