"""A store is the same store on SQLite and on PostgreSQL: one suite, both databases, real ones."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.databases import Server, missing, postgres
from tests.unit.store.test_store_model import StoreMachine

from towline.problem import Problem
from towline.store.error import AlreadyExists, Compacted, Conflict, NotFound
from towline.store.place import Place, PostgresUrl
from towline.store.record import Change, Key
from towline.store.store import Retention, Store
from towline.store.write import Create, Delete, Update

FISH, FROG = Key("animal", "lake", "fish"), Key("animal", "pond", "frog")
SMALL = Retention(revisions=2, events=1000)
NewPlace = Callable[[], Place]

COUNTING = """
import asyncio, sys
from towline.store.error import Conflict
from towline.store.place import PostgresUrl
from towline.store.record import Key
from towline.store.store import Store
from pathlib import Path

async def main(where, times):
    place = PostgresUrl.parse(where) if "://" in where else Path(where)
    key = Key("counter", "", "one")
    async with Store.open(place) as store:
        for _ in range(times):
            record = store.get(key)
            while True:
                try:
                    value = b"%d" % (int(record.value) + 1)
                    await store.update(key, value, revision=record.revision)
                    break
                except Conflict as conflict:
                    record = conflict.record

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One server for all tests of this module."""
    if why := missing():
        pytest.skip(why)
    with postgres() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgres"])
def new_place(request: pytest.FixtureRequest, tmp_path: Path) -> NewPlace:
    """Makes a place where nothing is stored yet."""
    if request.param == "sqlite":
        return lambda: tmp_path / "records.db"
    running: Server = request.getfixturevalue("server")
    return lambda: PostgresUrl.parse(running.new_database())


class PostgresMachine(StoreMachine):
    """The model of a store, in a database."""

    server: Server

    def new_place(self) -> Place:
        """A database of its own."""
        return PostgresUrl.parse(self.server.new_database())


@pytest.mark.slow
def test_whatever_is_done_to_a_database_it_answers_as_a_dictionary_would(server: Server) -> None:
    """The same model that the file is held to, with two stores on one database."""
    PostgresMachine.server = server
    run_state_machine_as_test(
        PostgresMachine,
        settings=settings(
            max_examples=8,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )


async def at(store: Store, revision: int) -> None:
    """Wait until a store has read a revision."""
    async with asyncio.timeout(10):
        while store.revision < revision:
            try:
                await anext(store.watch("animal", after=store.revision))
            except Compacted:
                continue


async def test_a_store_keeps_what_it_was_given(new_place: NewPlace) -> None:
    """Bytes of any kind, with their revisions, also after it was opened again."""
    place, value = new_place(), bytes(range(256))
    async with Store.open(place) as store:
        made = await store.create(FISH, value)
        changed = await store.update(FISH, b"", revision=made.revision)
        frog = await store.create(FROG, "Frösche 🐸".encode())
        gone = await store.delete(FISH)
    async with Store.open(place) as store:
        listed = store.list("animal")

    assert (made.value, changed.revision, changed.created) == (value, 2, 1)
    assert (gone.revision, gone.value) == (4, b"")
    assert (listed.revision, listed.records) == (4, (frog,))


async def test_a_store_refuses_what_cannot_be(new_place: NewPlace) -> None:
    """A taken key, a missing one, an old revision."""
    async with Store.open(new_place()) as store:
        made = await store.create(FISH, b"1")
        with pytest.raises(AlreadyExists):
            await store.create(FISH, b"2")
        with pytest.raises(NotFound):
            await store.delete(FROG)
        with pytest.raises(Conflict):
            await store.update(FISH, b"2", revision=made.revision + 1)

        assert store.revision == 1


async def test_writes_of_a_transaction_happen_together_or_not_at_all(new_place: NewPlace) -> None:
    """One that cannot be takes the others with it."""
    async with Store.open(new_place()) as store:
        with pytest.raises(NotFound):
            await store.apply([Create(FISH, b"1"), Delete(FROG)])
        assert store.get(FISH) is None

        records = await store.apply([Create(FISH, b"1"), Create(FROG, b"1"), Update(FISH, b"2", 1)])
        assert [one.revision for one in records] == [1, 2, 3]


async def test_stores_of_one_place_follow_each_other(new_place: NewPlace) -> None:
    """In order, with every change, and a deletion with what it removed."""
    place = new_place()
    async with Store.open(place) as one, Store.open(place) as other:
        watch = other.watch("animal", after=0)
        made = await one.create(FISH, b"1")
        await one.update(FISH, b"2", revision=made.revision)
        await at(other, 2)
        await other.delete(FISH)
        async with asyncio.timeout(10):
            events = [await anext(watch) for _ in range(3)]
        await at(one, 3)

        assert [event.change for event in events] == [
            Change.ADDED,
            Change.MODIFIED,
            Change.DELETED,
        ]
        assert [event.record.value for event in events] == [b"1", b"2", b"2"]
        assert one.get(FISH) is None


async def test_who_decides_on_old_knowledge_is_told_what_is_new(new_place: NewPlace) -> None:
    """The refusal shows the other's record, although it was never read before."""
    place = new_place()
    async with Store.open(place) as one, Store.open(place) as other:
        await one.create(FISH, b"1")
        with pytest.raises(AlreadyExists) as refusal:
            await other.create(FISH, b"2")

        assert refusal.value.record.value == b"1"


async def test_old_history_is_folded_and_nothing_is_lost(new_place: NewPlace) -> None:
    """Changed, deleted and made anew: what a late reader finds is what the writer has."""
    place = new_place()
    async with Store.open(place, SMALL) as store:
        for round_ in range(10):
            record = await store.create(FISH, b"%d" % round_)
            await store.update(FISH, b"%d!" % round_, revision=record.revision)
            if round_ % 2:
                await store.create(Key("animal", "sea", f"{round_}"), b"stays")
            await store.delete(FISH)
        await store.create(FROG, b"last")
        kept = store.list("animal")
    async with Store.open(place, SMALL) as late:
        assert late.list("animal") == kept
        with pytest.raises(Compacted):
            late.watch("animal", after=1)


async def test_who_fell_behind_the_history_lists_anew(new_place: NewPlace) -> None:
    """A store that did not look for longer than history lasts is right again by itself."""
    place = new_place()
    async with Store.open(place, SMALL) as slow, Store.open(place, SMALL) as quick:
        record = await quick.create(FISH, b"0")
        # Many writes in one commit: the slow one cannot have read a part of them.
        writes = [Update(FISH, b"%d" % number, record.revision + number) for number in range(20)]
        await quick.apply(writes)
        await quick.create(FROG, b"1")
        await at(slow, quick.revision)

        assert slow.list("animal") == quick.list("animal")


@pytest.mark.slow
async def test_processes_count_together_without_losing_one(new_place: NewPlace) -> None:
    """Compare and swap holds between processes, and a third one sees each step once."""
    place, times = new_place(), 100
    where = place.text if isinstance(place, PostgresUrl) else str(place)
    async with Store.open(place) as store:
        await store.create(Key("counter", "", "one"), b"0")
        watch = store.watch("counter", after=store.revision)
        command = [sys.executable, "-c", COUNTING, where, str(times)]
        running = [await asyncio.create_subprocess_exec(*command) for _ in range(2)]
        async with asyncio.timeout(60):
            seen = [int((await anext(watch)).record.value) for _ in range(2 * times)]
            ended = [await process.wait() for process in running]

    assert seen == list(range(1, 2 * times + 1))
    assert ended == [0, 0]


@pytest.mark.slow
async def test_processes_that_start_together_make_the_tables_once(new_place: NewPlace) -> None:
    """None fails because another one is just making them."""
    place = new_place()
    where = place.text if isinstance(place, PostgresUrl) else str(place)
    program = COUNTING.replace("store.get(key)", "None")
    command = [sys.executable, "-c", program, where, "0"]
    running = [await asyncio.create_subprocess_exec(*command) for _ in range(4)]

    assert [await process.wait() for process in running] == [0] * 4


async def test_a_server_that_comes_back_is_found_again(server: Server) -> None:
    """Meanwhile reads go on and writes say what is wrong; afterwards all is as it was."""
    place = PostgresUrl.parse(server.new_database())
    async with Store.open(place) as one, Store.open(place) as other:
        await one.create(FISH, b"1")
        await at(other, 1)
        server.stop()
        try:
            with pytest.raises(Problem) as problem:
                await one.create(FROG, b"1")
            still = other.get(FISH)
        finally:
            server.start()
        await one.create(FROG, b"2")
        await at(other, 2)

        assert problem.value.code == "store-unwritable"
        assert "database server" in problem.value.remedy
        assert still is not None
        assert other.list("animal") == one.list("animal")


async def test_a_database_that_cannot_be_reached_is_a_problem(server: Server) -> None:
    """With the URL, but never with its password."""
    url = f"postgresql://postgres:hush@/none?host={server.folder}"
    with pytest.raises(Problem) as problem:
        async with Store.open(PostgresUrl.parse(url)):
            pass

    assert problem.value.code == "store-unreadable"
    assert "postgresql://postgres@/none" in problem.value.cause
    assert "hush" not in str(problem.value)
    assert "hush" not in repr(PostgresUrl.parse(url))


async def test_a_database_of_a_newer_towline_is_left_alone(server: Server) -> None:
    """An older program must not guess what a newer one meant."""
    place = PostgresUrl.parse(server.new_database())
    async with Store.open(place):
        pass
    with psycopg.connect(place.text) as connection:
        connection.execute("UPDATE towline.alembic_version SET version_num = '9999'")
    with pytest.raises(Problem) as problem:
        async with Store.open(place):
            pass

    assert "newer" in problem.value.cause


@pytest.mark.parametrize(
    "text", ["", "records.db", "mysql://host/db", "postgresql://host", "postgresql://host:x/db"]
)
def test_what_is_no_url_of_postgresql_is_a_problem(text: str) -> None:
    """Before anything is connected to."""
    with pytest.raises(Problem) as problem:
        PostgresUrl.parse(text)

    assert problem.value.code == "database-url-malformed"
