"""Roles are kept running: started together, restarted when they die, ended in order, outlived by nobody.

The roles here are small programs of their own, since what is told about is processes.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from towline.installation.lock import held, holder
from towline.installation.run_state import RoleState, RunState, running, write
from towline.installation.supervisor import Patience, Role, Supervisor
from towline.problem import Problem

QUICK = Patience(first_pause=0.01, longest_pause=0.05, grace=1.0)
SERVES = """
    import os, signal, sys, time
    from towline.installation.role_process import announce_ready, die_with_supervisor
    die_with_supervisor()
    signal.signal(signal.SIGTERM, lambda *_: (print(time.time(), flush=True), sys.exit(0)))
    announce_ready()
    while True:
        time.sleep(60)
"""
IGNORES_SIGTERM = SERVES.replace("lambda *_: (print(time.time(), flush=True), sys.exit(0))", "1")
NEVER_STARTS = "print('no such database'); raise SystemExit(4)"


def role(name: str, program: str) -> Role:
    """A role that runs a program."""
    command = (sys.executable, "-c", textwrap.dedent(program))
    return Role(name, command, dict(os.environ))


class Installation:
    """A running supervisor and what it said of its roles."""

    def __init__(self, logs: Path, *roles: Role) -> None:
        self.states: dict[str, RoleState] = {}
        self.supervisor = Supervisor(roles, logs, self._told, QUICK)

    def _told(self, states: tuple[RoleState, ...]) -> None:
        self.states = {state.name: state for state in states}

    async def until(self, name: str, **fields: object) -> RoleState:
        """The state of a role once it has these fields."""
        async with asyncio.timeout(10):
            while True:
                state = self.states.get(name)
                if state and all(getattr(state, key) == value for key, value in fields.items()):
                    return state
                await asyncio.sleep(0.01)


@asynccontextmanager
async def kept(logs: Path, *roles: Role) -> AsyncIterator[Installation]:
    """Roles under a supervisor, for the length of the block."""
    installation = Installation(logs, *roles)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(installation.supervisor.run())
        async with asyncio.timeout(10):
            await installation.supervisor.until_ready()
        yield installation
        installation.supervisor.stop()


def alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_a_role_that_is_killed_is_started_again(tmp_path: Path) -> None:
    """And the state says how it ended."""
    async with kept(tmp_path, role("cloud", SERVES)) as installation:
        first = installation.states["cloud"]
        os.kill(first.pid, signal.SIGKILL)
        again = await installation.until("cloud", ready=True, restarts=1)

        assert again.pid != first.pid
        assert again.last_end == "killed by SIGKILL"


async def test_roles_end_in_the_reverse_of_their_order(tmp_path: Path) -> None:
    """Each only when the one after it has ended; what was ended stays ended."""
    async with kept(tmp_path, role("first", SERVES), role("second", SERVES)) as installation:
        pids = [state.pid for state in installation.states.values()]
    ended = {name: float((tmp_path / f"{name}.log").read_text()) for name in ("first", "second")}

    assert ended["second"] < ended["first"]
    assert not any(alive(pid) for pid in pids)


async def test_a_role_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    """After its grace."""
    async with kept(tmp_path, role("deaf", IGNORES_SIGTERM)) as installation:
        pid = installation.states["deaf"].pid

    assert not alive(pid)


async def test_a_role_that_cannot_start_ends_everything_and_quotes_its_log(tmp_path: Path) -> None:
    """The roles that did start are not left behind."""
    installation = Installation(tmp_path, role("cloud", SERVES), role("broken", NEVER_STARTS))

    with pytest.raises(ExceptionGroup) as raised:
        async with asyncio.timeout(10):
            await installation.supervisor.run()

    (problem,) = raised.value.exceptions
    assert isinstance(problem, Problem)
    assert problem.code == "role-does-not-start"
    assert problem.cause.count("no such database") == 1  # though three attempts have said it
    assert not alive(installation.states["cloud"].pid)


@pytest.mark.slow
def test_nothing_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    """`kill -9` of the supervisor: the kernel ends its roles."""
    program = f"""
        import asyncio, os, sys
        from pathlib import Path
        from towline.installation.supervisor import Role, Supervisor

        def tell(states):
            if all(state.ready for state in states):
                print(*(state.pid for state in states), flush=True)

        role = Role("deaf", (sys.executable, "-c", {textwrap.dedent(IGNORES_SIGTERM)!r}), os.environ)
        asyncio.run(Supervisor([role], Path({str(tmp_path)!r}), tell).run())
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout is not None
        pid = int(supervisor.stdout.readline())
        supervisor.kill()
    deadline = time.monotonic() + 5
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)

    assert not alive(pid)


def test_a_lock_is_free_again_when_its_holder_is_gone(tmp_path: Path) -> None:
    """Nobody needs to clean up."""
    (tmp_path / "run").mkdir()
    path = tmp_path / "run" / "lock"
    program = f"""
        import os, signal
        from pathlib import Path
        from towline.installation.lock import held
        with held(Path({str(path)!r}), "the test", ""):
            print("held", flush=True)
            signal.pause()
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(Problem, match="already running") as raised, held(path, "the test", "x"):
            pass
        assert holder(path) == other.pid
        assert str(other.pid) in raised.value.cause
        other.kill()

    assert holder(path) is None
    with held(path, "the test", ""):
        pass


def test_a_state_without_its_lock_counts_for_nothing(tmp_path: Path) -> None:
    """It is what a `kill -9` of everything leaves behind."""
    lock, path = tmp_path / "lock", tmp_path / "state.json"
    state = RunState(pid=os.getpid(), since=1.0, roles=(RoleState(name="cloud", ready=True),))
    write(path, state)

    assert running(lock, path) is None
    with held(lock, "the test", ""):
        # flock belongs to the open file, so a second look from this process sees the lock too
        assert running(lock, path) == state
