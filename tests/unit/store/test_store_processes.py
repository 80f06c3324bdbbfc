"""Several processes on one file: they see each other, and death takes nothing acknowledged."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from towline.store.record import Key
from towline.store.store import Store

COUNTER = Key("counter", "", "one")

WRITER = """
import asyncio, sys
from pathlib import Path
from towline.store.record import Key
from towline.store.store import Store

async def write(store, name):
    number = 0
    while True:
        record = await store.create(Key("n", name, f"{number:06}"), b"x" * 200)
        print(record.revision, name, number, flush=True)
        number += 1

async def main():
    async with Store.open(Path(sys.argv[1])) as store, asyncio.TaskGroup() as tasks:
        for name in "abcd":
            tasks.create_task(write(store, name))

asyncio.run(main())
"""

COUNTING = """
import asyncio, sys
from pathlib import Path
from towline.store.error import Conflict
from towline.store.record import Key
from towline.store.store import Store

async def main():
    key = Key("counter", "", "one")
    async with Store.open(Path(sys.argv[1])) as store:
        for _ in range(int(sys.argv[2])):
            record = store.get(key)
            while True:
                try:
                    value = b"%d" % (int(record.value) + 1)
                    await store.update(key, value, revision=record.revision)
                    break
                except Conflict as conflict:
                    record = conflict.record

asyncio.run(main())
"""


@contextmanager
def running(program: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A Python process that is surely gone afterwards."""
    command = [sys.executable, "-c", program, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.slow
async def test_kill_nine_takes_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """A writer is killed in the middle of its commits; every acknowledged record is there."""
    path = tmp_path / "s.db"
    acknowledged: list[tuple[int, str, str]] = []
    for _ in range(3):
        with running(WRITER.replace("number = 0", f"number = {len(acknowledged)}"), str(path)) as w:
            assert w.stdout is not None
            lines = [w.stdout.readline() for _ in range(200)]
            w.kill()
            lines += w.stdout.readlines()
        for line in lines:
            if line.endswith("\n"):
                revision, name, number = line.split()
                acknowledged.append((int(revision), name, f"{int(number):06}"))
    async with Store.open(path) as store:
        kept = {(r.revision, r.key.scope, r.key.name) for r in store.list("n").records}

    assert len(acknowledged) >= 600
    assert set(acknowledged) <= kept


@pytest.mark.slow
async def test_two_processes_count_together_without_losing_one(tmp_path: Path) -> None:
    """Compare and swap holds across processes, and a third one follows it all in order."""
    path, times = tmp_path / "s.db", 400
    async with Store.open(path) as store:
        await store.create(COUNTER, b"0")
        watch = store.watch("counter", after=store.revision)
        arguments = str(path), str(times)
        with running(COUNTING, *arguments), running(COUNTING, *arguments):
            async with asyncio.timeout(60):
                seen = [int((await anext(watch)).record.value) for _ in range(2 * times)]

    assert seen == list(range(1, 2 * times + 1))


@pytest.mark.slow
async def test_processes_that_start_together_create_one_file(tmp_path: Path) -> None:
    """No process fails because another one is just creating the tables."""
    program = (
        "import asyncio, sys; from pathlib import Path; from towline.store.store import Store\n"
        "async def main():\n async with Store.open(Path(sys.argv[1])) as s: print(s.revision)\n"
        "asyncio.run(main())"
    )
    arguments = [sys.executable, "-c", program, str(tmp_path / "s.db")]
    processes = [await asyncio.create_subprocess_exec(*arguments, stdout=-1) for _ in range(4)]
    answers = [await process.communicate() for process in processes]

    assert [answer[0] for answer in answers] == [b"0\n"] * 4
