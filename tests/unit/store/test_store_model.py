"""Whatever is done to a store, it answers as a dictionary would, also after it was reopened."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from towline.store.error import AlreadyExists, Compacted, Conflict, NotFound
from towline.store.place import Place
from towline.store.record import Change, Key
from towline.store.store import Retention, Store

KEYS = st.sampled_from([Key("k", "", "x"), Key("k", "a", "x"), Key("k", "a", "y")])
VALUES = st.binary(max_size=4)
SMALL = Retention(revisions=2, events=1000)


@dataclass
class Held:
    """What the model knows of a key."""

    value: bytes
    revision: int


class StoreMachine(RuleBasedStateMachine):
    """Writes through two stores on one file, so that following the other is tested as well."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.model: dict[Key, Held] = {}
        self.revision = 0
        self.place = self.new_place()
        self.open()

    def new_place(self) -> Place:
        """Where nothing is stored yet."""
        return Path(self.folder.name) / "s.db"

    def open(self) -> None:
        """Open the file twice and start a watcher that mirrors it."""
        self.stack = AsyncExitStack()
        enter = self.stack.enter_async_context
        self.stores = [self.runner.run(enter(Store.open(self.place, SMALL))) for _ in range(2)]
        self.mirror = {key: held.value for key, held in self.model.items()}
        self.watch = self.stores[0].watch("k", after=self.revision)

    @rule(key=KEYS, value=VALUES, which=st.integers(0, 1))
    def create(self, key: Key, value: bytes, which: int) -> None:
        """Create succeeds exactly on a free key."""
        try:
            record = self.runner.run(self.stores[which].create(key, value))
        except AlreadyExists as refusal:
            assert refusal.record.value == self.model[key].value
        else:
            assert key not in self.model
            self.wrote(key, Held(value, record.revision))

    @rule(key=KEYS, value=VALUES, which=st.integers(0, 1), stale=st.booleans())
    def update(self, key: Key, value: bytes, which: int, stale: bool) -> None:
        """Update succeeds exactly with the present revision."""
        held = self.model.get(key)
        revision = 0 if held is None else held.revision - stale
        try:
            record = self.runner.run(self.stores[which].update(key, value, revision=revision))
        except NotFound:
            assert held is None
        except Conflict as refusal:
            assert stale
            assert held is not None
            assert refusal.record.revision == held.revision
        else:
            assert not stale
            self.wrote(key, Held(value, record.revision))

    @rule(key=KEYS, which=st.integers(0, 1))
    def delete(self, key: Key, which: int) -> None:
        """Delete succeeds exactly on what is there."""
        try:
            record = self.runner.run(self.stores[which].delete(key))
        except NotFound:
            assert key not in self.model
        else:
            del self.model[key]
            self.revision += 1
            assert record.revision == self.revision

    @rule()
    def reopen(self) -> None:
        """Close both and open again: the file alone tells the same."""
        self.runner.run(self.stack.aclose())
        self.open()
        self.catch_up()

    @rule()
    def catch_up(self) -> None:
        """Let both stores see the same revision, which takes one look at the file."""
        self.runner.run(self.both_at(self.revision))
        for store in self.stores:
            listed = {record.key: record.value for record in store.list("k").records}
            assert listed == {key: held.value for key, held in self.model.items()}
        self.follow()
        assert self.mirror == {key: held.value for key, held in self.model.items()}

    async def both_at(self, revision: int) -> None:
        """Wait until both stores have read `revision`."""
        async with asyncio.timeout(5):
            for store in self.stores:
                while store.revision != revision:
                    with suppress(Compacted):
                        await anext(store.watch("k", after=store.revision))

    @invariant()
    def listings_are_sorted(self) -> None:
        """Key order, always."""
        for store in self.stores:
            keys = [record.key for record in store.list("k").records]
            assert keys == sorted(keys)

    def wrote(self, key: Key, held: Held) -> None:
        """The model takes in a write and checks that it got the next revision."""
        self.model[key] = held
        self.revision += 1
        assert held.revision == self.revision

    def follow(self) -> None:
        """Replay the watch onto the mirror; begin anew when the history was compacted meanwhile."""
        try:
            self.replay()
        except Compacted:
            listing = self.stores[0].list("k")
            self.mirror = {record.key: record.value for record in listing.records}
            self.watch = self.stores[0].watch("k", after=listing.revision)

    def replay(self) -> None:
        """Apply what the watch has."""
        while (event := self.watch.take()) is not None:
            if event.change is Change.DELETED:
                del self.mirror[event.record.key]
            else:
                self.mirror[event.record.key] = event.record.value

    def teardown(self) -> None:
        """Close the file."""
        self.runner.run(self.stack.aclose())
        self.runner.close()
        self.folder.cleanup()


TestStoreMachine = pytest.mark.slow(StoreMachine.TestCase)
TestStoreMachine.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
