"""A PostgreSQL server of the tests' own: Debian's program, in a folder and on a socket of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg

_PORT = 5432  # only names the socket in the server's own folder; nothing listens on the network
_USER = "postgres"


def missing() -> str:
    """Why no server can be started here; empty when one can."""
    if _programs() is None:
        return "PostgreSQL's server is not installed: apt-get install postgresql"
    if os.geteuid() == 0 and not any(one.pw_name == _USER for one in pwd.getpwall()):
        return f"root may not run PostgreSQL, and there is no user {_USER}"
    return ""


def _programs() -> Path | None:
    """The folder of the newest server that is installed."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda one: int(one.parts[-3])
    )
    if found:
        return found[-1].parent
    elsewhere = shutil.which("initdb")
    return Path(elsewhere).resolve().parent if elsewhere else None


@dataclass
class Server:
    """A server that can be stopped and started again, and makes an empty database for whoever asks."""

    folder: Path
    programs: Path
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def start(self) -> None:
        """Run until it accepts connections."""
        options = f"-c listen_addresses= -c unix_socket_directories={self.folder} -p {_PORT}"
        self._control("-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        """End every connection and the server."""
        self._control("-w", "-m", "immediate", "stop")

    def new_database(self) -> str:
        """The URL of a database with nothing in it."""
        name = f"towline{next(self._numbers)}"
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self._url(name)

    def initialize(self) -> None:
        """Make the server's files."""
        self._run("initdb", "-D", str(self.folder / "data"), "-A", "trust", "-U", _USER, "-N")

    def _url(self, database: str) -> str:
        return f"postgresql://{_USER}@/{database}?host={self.folder}&port={_PORT}"

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.programs / program), *arguments]
        if os.geteuid() == 0:
            command = ["setpriv", f"--reuid={_USER}", f"--regid={_USER}", "--init-groups", *command]
        # The server inherits the output and would keep a pipe open for as long as it runs.
        with (self.folder / "control.log").open("ab") as log:
            subprocess.run(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=True,
            )


@contextmanager
def postgres() -> Iterator[Server]:
    """A server for the length of the block."""
    programs = _programs()
    assert programs is not None, missing()
    with tempfile.TemporaryDirectory(prefix="tl-pg-") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, _USER, _USER)
        server = Server(folder, programs)
        server.initialize()
        server.start()
        try:
            yield server
        finally:
            server.stop()
