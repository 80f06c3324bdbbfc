"""How many records a second the store makes durable, beside plain SQLite committing one by one.

    .venv/bin/python bench/store.py [FOLDER]

The folder decides which disk is measured; a folder in memory measures nothing.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

from towline.store.record import Key
from towline.store.store import Store

VALUE = b"x" * 1000  # about a small pod
SECONDS = 2.0


async def through_the_store(folder: Path, writers: int) -> float:
    """Creates a second by `writers` that each wait for their answer."""
    count = 0
    async with Store.open(folder / f"store-{writers}.db") as store:
        end = time.perf_counter() + SECONDS

        async def write(name: str) -> None:
            nonlocal count
            number = 0
            while time.perf_counter() < end:
                await store.create(Key("bench", name, f"{number}"), VALUE)
                number += 1
                count += 1

        async with asyncio.TaskGroup() as tasks:
            for writer in range(writers):
                tasks.create_task(write(f"{writer}"))
    return count / SECONDS


def through_plain_sqlite(folder: Path) -> float:
    """Inserts a second, one transaction each, with the same promises (WAL, synchronous=FULL)."""
    database = sqlite3.connect(folder / "plain.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE record (name TEXT PRIMARY KEY, value BLOB)")
    count, end = 0, time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        database.execute("INSERT INTO record VALUES (?, ?)", (f"{count}", VALUE))
        count += 1
    database.close()
    return count / SECONDS


def main() -> None:
    """Print one line per measurement."""
    place = sys.argv[1] if len(sys.argv) > 1 else "."
    with tempfile.TemporaryDirectory(dir=place, prefix="bench-store-") as name:
        folder = Path(name)
        print(f"plain SQLite, one by one  {through_plain_sqlite(folder):8.0f} records/s")
        for writers in (1, 16):
            rate = asyncio.run(through_the_store(folder, writers))
            print(f"store, {writers:2} writers         {rate:8.0f} records/s")


if __name__ == "__main__":
    main()
