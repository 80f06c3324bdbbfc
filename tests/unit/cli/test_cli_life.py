"""An installation's beginning and end as the command line tells them, also when there is nothing."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from towline.cli.app import build, run
from towline.cli.command_table import CLIENT_COMMANDS
from towline.cli.doors import show_doors
from towline.cli.render import Output
from towline.cli.status import NOT_READY, NOT_RUNNING
from towline.installation import run_state
from towline.installation.data_directory import DataDirectory
from towline.installation.lock import holder
from towline.installation.run_state import RoleState, RunState

HOLDS = """
import signal, sys, time
from pathlib import Path
from towline.installation.lock import held
with held(Path(sys.argv[1]), "`towline up`", ""):
    print("held", flush=True)
    signal.sigwait({signal.SIGTERM})
"""


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataDirectory:
    """A directory that `towline` is told to use."""
    root = tmp_path / "data"
    monkeypatch.setenv("TOWLINE_DATA", str(root))
    return DataDirectory(root)


def towline(*arguments: str) -> int:
    """The exit code of a command."""
    return run(build(CLIENT_COMMANDS), arguments)


def program(data: DataDirectory, *arguments: str) -> subprocess.CompletedProcess[str]:
    """How a command of a process of its own ended."""
    return subprocess.run(
        [sys.executable, "-m", "towline", *arguments],
        env={**os.environ, "TOWLINE_DATA": str(data.root)},
        capture_output=True,
        text=True,
        check=False,
    )


def process_that_holds(lock: Path) -> subprocess.Popen[str]:
    """Somebody who has the lock until SIGTERM."""
    holding = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(lock)], stdout=subprocess.PIPE, text=True
    )
    assert holding.stdout is not None
    assert holding.stdout.readline() == "held\n"
    return holding


def test_the_status_of_nothing_is_that_nothing_runs(
    data: DataDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the exit code that `systemctl status` has for it."""
    code = towline("status", "-o", "json")

    assert code == NOT_RUNNING
    assert json.loads(capsys.readouterr().out) == {
        "running": False,
        "ready": False,
        "data": str(data.root),
        "roles": [],
    }


@pytest.fixture
def stranger() -> Iterator[None]:
    """Root becomes somebody else for the length of a test; who is not root is already."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


@pytest.mark.parametrize("command", ["status", "down", "reset"])
@pytest.mark.usefixtures("stranger")
def test_the_directory_of_another_user_is_told_by_its_owner(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what to do, and without a traceback."""
    monkeypatch.setenv("TOWLINE_DATA", "/proc/1/task")
    code = towline(command)
    said = capsys.readouterr().err

    assert code == 1
    assert "belongs to root" in said
    assert "use sudo, or set TOWLINE_DATA" in said


@pytest.mark.parametrize("place", ["/etc/passwd", "/etc/passwd/towline"])
@pytest.mark.parametrize("command", ["status", "down", "reset", "instance list"])
def test_a_file_is_no_data_directory(
    command: str, place: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor is what would lie in one."""
    monkeypatch.setenv("TOWLINE_DATA", place)
    code = towline(*command.split())

    assert code == 1
    assert "/etc/passwd is not a directory" in capsys.readouterr().err


def test_a_status_is_told_while_roles_are_down(
    data: DataDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be counted is left out."""
    data.create()
    roles = (RoleState(name="cloud", ready=True, pid=1), RoleState(name="cluster"))
    run_state.write(data.state, RunState(pid=1, since=time.time(), roles=roles))
    with process_that_holds(data.lock) as holding:
        code = towline("status", "-o", "json")
        holding.terminate()

    status = json.loads(capsys.readouterr().out)
    assert code == NOT_READY
    assert (status["running"], status["ready"], status["counts"]) == (True, False, {})
    assert [role["name"] for role in status["roles"]] == ["cloud", "cluster"]


def test_down_ends_what_runs_and_keeps_the_data(
    data: DataDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    """And may be said again."""
    data.create()
    data.access_key.write_text("{}")
    with process_that_holds(data.lock) as holding:
        assert towline("down", "-o", "json") == 0
        holding.wait()
    first = json.loads(capsys.readouterr().out)
    assert towline("down") == 0

    assert first == {"stopped": True, "swept": False}
    assert holder(data.lock) is None
    assert data.access_key.exists()
    assert capsys.readouterr().out == "Nothing was running.\n"


def test_down_leaves_roles_alone_that_it_did_not_start(
    data: DataDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who started one by hand is told which process it is."""
    data.create()
    with process_that_holds(data.lock_of("cloud")) as holding:
        code = towline("down")
        alive = holding.poll() is None
        holding.terminate()

    assert code == 1
    assert alive
    assert f"process {holding.pid}" in capsys.readouterr().err


def test_a_second_up_says_that_the_first_runs(data: DataDirectory) -> None:
    """Also when it would have gone to the background: the problem comes back from there."""
    data.create()
    with process_that_holds(data.lock) as holding:
        ended = [program(data, "up"), program(data, "up", "--detach")]
        holding.terminate()

    assert [one.returncode for one in ended] == [1, 1]
    for one in ended:
        assert f"`towline up` is already running in {data.root}" in one.stderr


def test_an_uplink_without_root_is_refused(
    data: DataDirectory, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rather than left out in silence: the role that would lay it does not run."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("TOWLINE_UPLINK", "1")

    assert towline("up", "--detach") == 1
    assert "the agent lays the uplink" in capsys.readouterr().err
    assert not data.root.exists()


def test_reset_asks_before_it_deletes(
    data: DataDirectory, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody at the terminal is a no."""
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    data.create()
    data.records.write_text("everything")
    code = towline("reset")

    assert code == 1
    assert data.records.exists()
    assert "--yes" in capsys.readouterr().err


def test_reset_deletes_what_is_towlines_and_nothing_else(data: DataDirectory) -> None:
    """A directory may be shared by mistake."""
    data.create()
    ours = [data.records, data.objects, data.kubeconfig, data.tokens, data.key_of("ca")]
    stranger = data.root / "thesis.json"
    for path in [*ours, stranger, data.root / "records.db-wal"]:
        path.write_text("words")
    code = towline("reset", "--yes")

    assert code == 0
    assert list(data.root.iterdir()) == [stranger]


def test_reset_leaves_no_directory_behind(data: DataDirectory) -> None:
    """When all of it was Towline's."""
    data.create()

    assert towline("reset", "--yes") == 0
    assert not data.root.exists()
    assert towline("reset", "--yes") == 0


def test_what_is_to_be_typed_can_be_typed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where the path has a space in it."""
    data = DataDirectory(tmp_path / "my data")
    show_doors(data, "towline", Output.TABLE)
    said = capsys.readouterr()

    assert f"export KUBECONFIG='{data.kubeconfig}'\n" in said.out
    assert f"sudo TOWLINE_DATA='{data.root}' towline up" in said.err


def refused_database() -> str:
    """The URL of a database on a port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"postgresql://me:secret@127.0.0.1:{probe.getsockname()[1]}/towline"


def test_a_database_that_cannot_be_opened_is_not_remembered(data: DataDirectory) -> None:
    """The next start may name another, or none."""
    ended = program(data, "up", "--detach", "--database", refused_database())

    assert ended.returncode == 1
    assert ended.stderr.count("cannot be opened") == 1
    assert "secret" not in ended.stderr
    assert not data.database.exists()


def test_reset_needs_no_database_that_is_gone(
    data: DataDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is here is deleted, and who asked is told what is left there."""
    data.create()
    data.database.write_text(refused_database())
    code = towline("reset", "--yes", "-o", "json")
    said = capsys.readouterr()

    assert code == 0
    assert not data.root.exists()
    assert json.loads(said.out)["schemaDeleted"] is False
    assert said.err.startswith("The schema `towline` stays: the records in postgresql://me@127.")


def test_an_installation_whose_role_cannot_start_says_what_its_log_says(
    data: DataDirectory,
) -> None:
    """And nothing of it is left running."""
    data.create()
    data.records.mkdir()  # no database can be there
    ended = program(data, "up", "--detach")

    assert ended.returncode == 1
    assert "ended 3 times before it was ready" in ended.stderr
    assert holder(data.lock) is None


def test_an_interruption_of_the_start_ends_what_was_started(data: DataDirectory) -> None:
    """Ctrl-C while waiting leaves no background behind."""
    data.create()
    environment = {**os.environ, "TOWLINE_DATA": str(data.root)}
    command = [sys.executable, "-m", "towline", "up", "--detach"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as starting:
        while holder(data.lock) is None and starting.poll() is None:
            time.sleep(0.01)
        starting.send_signal(signal.SIGINT)
    deadline = time.monotonic() + 60
    while holder(data.lock) is not None and time.monotonic() < deadline:
        time.sleep(0.01)

    assert holder(data.lock) is None
