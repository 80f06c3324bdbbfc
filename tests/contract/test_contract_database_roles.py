"""The roles of an installation meet in PostgreSQL as they meet in a file, and leave it clean."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.databases import Server, missing, postgres

from towline.installation import database
from towline.installation.data_directory import DataDirectory
from towline.installation.role_process import READY_FD
from towline.problem import Problem

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One server for all tests of this module."""
    if why := missing():
        pytest.skip(why)
    with postgres() as running:
        yield running


@contextmanager
def serving(data: DataDirectory, *arguments: str) -> Iterator[None]:
    """A role that has said that it is ready; it ends with the block."""
    listening, telling = os.pipe()
    environment = {**os.environ, "TOWLINE_DATA": str(data.root), READY_FD: str(telling)}
    command = [sys.executable, "-m", "towline", *arguments]
    with (
        os.fdopen(listening, "rb") as ready,
        subprocess.Popen(command, env=environment, pass_fds=(telling,)) as role,
    ):
        os.close(telling)
        try:
            assert ready.read(1) == b"\n"
            yield
        finally:
            role.send_signal(signal.SIGTERM)
            role.wait(20)


def towline(data: DataDirectory, *arguments: str) -> Any:
    """A command and what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "towline", *arguments, "-o", "json"],
        env={**os.environ, "TOWLINE_DATA": str(data.root)},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def status_of(data: DataDirectory, name: str) -> str:
    """The state of an instance."""
    return str(towline(data, "instance", "show", name)["status"])


def test_roles_meet_in_the_database(server: Server, tmp_path: Path) -> None:
    """The cloud asks, the registry answers; both know the place next time; reset empties it."""
    data, url = DataDirectory(tmp_path), server.new_database()
    with ExitStack() as roles:
        roles.enter_context(serving(data, "registry", "serve", "--database", url))
        roles.enter_context(serving(data, "cloud", "serve"))
        made = towline(data, "instance", "create", "demo")
        until = time.monotonic() + 30
        while status_of(data, "demo") != "Running" and time.monotonic() < until:
            time.sleep(0.1)
        status = status_of(data, "demo")
    with serving(data, "cloud", "serve"):
        again = towline(data, "instance", "list")

    assert status == "Running"
    assert [one["id"] for one in again] == [made["id"]]
    assert not data.records.exists()
    assert data.database.stat().st_mode & 0o077 == 0
    assert database.remembered(data) == url

    towline(data, "reset", "--yes")
    with psycopg.connect(url) as connection:
        left = connection.execute("SELECT to_regnamespace('towline')").fetchone()
    assert left == (None,)
    assert not tmp_path.exists()


def test_records_do_not_move_by_themselves(tmp_path: Path) -> None:
    """From a file to a database, or from one to another; a new password is no move."""
    data = DataDirectory(tmp_path)
    data.create()
    database.choose(data, "postgresql://me:old@host/towline")
    database.choose(data, "postgresql://me:new@host/towline")
    with pytest.raises(Problem) as moved:
        database.choose(data, "postgresql://me:new@host/other")
    assert database.remembered(data) == "postgresql://me:new@host/towline"

    data.database.unlink()
    data.records.touch()
    with pytest.raises(Problem) as started:
        database.choose(data, "postgresql://me@host/towline")

    assert moved.value.code == started.value.code == "database-chosen-before"
    assert "new" not in moved.value.cause
