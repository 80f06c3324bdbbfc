"""Keeps the roles running: starts them together, restarts one that dies, stops them in order.

A role is a process of its own and ends with this one (see `role_process`). It is started in a session
of its own, so that Ctrl-C at the terminal reaches only the supervisor, which then stops the roles in
the reverse of the order in which it was given them.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from towline.installation.role_process import READY_FD, SUPERVISOR
from towline.installation.run_state import RoleState
from towline.problem import Problem

_LOG_LIMIT = 16 * 1024 * 1024  # bytes; a longer log is kept once more as `.1` when its role starts
_TAIL = 12  # lines of a log that a problem quotes


@dataclass(frozen=True, slots=True)
class Role:
    """One process to keep."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the supervisor waits; all in seconds but `attempts`."""

    first_pause: float = 0.1
    longest_pause: float = 5.0
    settled: float = 10.0
    """A role that ran this long has earned the first pause again."""
    grace: float = 8.0
    """Between SIGTERM and SIGKILL."""
    attempts: int = 3
    """How often a role may end before it was ever ready."""


class Supervisor:
    """The roles of one installation. `run` once."""

    def __init__(
        self,
        roles: Sequence[Role],
        logs: Path,
        changed: Callable[[tuple[RoleState, ...]], None],
        patience: Patience | None = None,
    ) -> None:
        self._roles = tuple(roles)
        self._logs = logs
        self._changed = changed
        self._patience = patience or Patience()
        self._states = {role.name: RoleState(name=role.name) for role in roles}
        self._ready = {role.name: asyncio.Event() for role in roles}
        self._processes: dict[str, Process] = {}
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Keep every role running until `stop`.

        Raises `Problem` when a role ends again and again before it was ever ready.
        """
        async with asyncio.TaskGroup() as tasks:
            for role in self._roles:
                tasks.create_task(self._keep(role))
            await self._stopping.wait()
            for role in reversed(self._roles):
                await self._end(role.name)

    def stop(self) -> None:
        """Have `run` stop everything and return."""
        self._stopping.set()

    async def until_ready(self, *names: str) -> None:
        """Return once these roles have been ready, or all of them when none is named."""
        for name in names or tuple(self._ready):
            await self._ready[name].wait()

    async def _keep(self, role: Role) -> None:
        pause = self._patience.first_pause
        try:
            while not self._stopping.is_set():
                began = time.monotonic()
                process = await self._start(role)
                await process.wait()
                self._note(role.name, pid=0, ready=False, last_end=_words(process.returncode))
                if not self._stopping.is_set():
                    self._give_up_if_hopeless(role)
                    if time.monotonic() - began >= self._patience.settled:
                        pause = self._patience.first_pause
                    await self._rest(pause)
                    pause = min(pause * 2, self._patience.longest_pause)
        finally:
            await self._end(role.name)

    async def _start(self, role: Role) -> Process:
        log = self._logs / f"{role.name}.log"
        if log.exists() and log.stat().st_size > _LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))
        listening, telling = os.pipe()
        told = {READY_FD: str(telling), SUPERVISOR: str(os.getpid())}
        try:
            with log.open("ab") as output:
                process = await asyncio.create_subprocess_exec(
                    *role.command,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env={**role.environment, **told},
                    pass_fds=(telling,),
                    start_new_session=True,
                )
        except BaseException:
            os.close(listening)
            raise
        finally:
            os.close(telling)
        self._processes[role.name] = process
        self._note(role.name, pid=process.pid, since=time.time())
        self._listen(role.name, listening)
        return process

    def _listen(self, name: str, descriptor: int) -> None:
        loop = asyncio.get_running_loop()

        def heard() -> None:
            loop.remove_reader(descriptor)
            ready = os.read(descriptor, 1) == b"\n"
            os.close(descriptor)
            if ready:
                self._note(name, ready=True)
                self._ready[name].set()

        loop.add_reader(descriptor, heard)

    def _give_up_if_hopeless(self, role: Role) -> None:
        restarts = self._states[role.name].restarts + 1
        self._note(role.name, restarts=restarts)
        if self._ready[role.name].is_set() or restarts < self._patience.attempts:
            return
        log = self._logs / f"{role.name}.log"
        raise Problem(
            "role-does-not-start",
            cause=f"the {role.name} role ended {restarts} times before it was ready "
            f"({self._states[role.name].last_end}); its log ends with:\n{_tail(log)}",
            remedy=f"mend what the log says, then start again; all of it is in {log}",
        )

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _end(self, name: str) -> None:
        process = self._processes.get(name)
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(self._patience.grace):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    def _note(self, name: str, **now: object) -> None:
        self._states[name] = msgspec.structs.replace(self._states[name], **now)
        self._changed(tuple(self._states.values()))


def _words(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    return f"killed by {signal.Signals(-code).name}"


def _tail(log: Path) -> str:
    """The last lines, each once: every attempt has said the same."""
    said = reversed(log.read_text(errors="replace").splitlines())
    lines = [*dict.fromkeys(said)][:_TAIL][::-1]
    return "\n".join(f"    {line}" for line in lines) or "    (nothing)"
