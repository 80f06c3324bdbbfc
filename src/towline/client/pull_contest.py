"""An image pulled by several programs in turn, from nothing each time, and what it took them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from towline.client.pull_rival import LOGIN_FILE, Rival, write_login
from towline.client.registry_access import RegistryAccess
from towline.content.extract import remove_tree
from towline.linux.mounts import unmount_below
from towline.oci.reference import Reference

_APART = """
import json, os, resource, sys, time
os.set_inheritable(int(sys.argv[1]), False)
began = time.perf_counter()
pid = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
seconds = time.perf_counter() - began
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
taken = [code, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss]
os.write(int(sys.argv[1]), json.dumps(taken).encode())
"""
# A process is counted the memory of the one that started it, so ours would be the least that anybody
# takes: this one is small.
_REST = 2.0  # seconds for a program to end when it is asked to
_RESET_PEAK = "5"  # proc(5): "reset the peak resident set size"


@dataclass(frozen=True, slots=True)
class Spent:
    """What a pull took."""

    seconds: float
    cpu: float
    """Seconds of it, with those of a server that worked for the program."""
    rss_mb: float
    """The peak of memory."""


class RivalFailed(Exception):
    """A program did not pull the image; the text is the last that it said."""


@dataclass(frozen=True, slots=True)
class Contest:
    """One image, and where the programs work."""

    reference: Reference
    access: RegistryAccess
    folder: Path | None
    """Below it each run has a folder; None is where temporary files are."""

    def run(self, rival: Rival) -> Spent:
        """Let one pull, and remove all of it; raises `RivalFailed`."""
        with self._empty() as folder, contextlib.ExitStack() as stack:
            stack.callback(rival.clean)
            write_login(self.access.login, self.reference, folder)
            before = _Server.of(rival.server)
            secret = self.access.login.password if self.access.login else ""
            return _timed(rival.command(folder), folder, secret).beside(before)

    @contextlib.contextmanager
    def _empty(self) -> Iterator[Path]:
        folder = Path(tempfile.mkdtemp(prefix="towline-bench-", dir=self.folder))
        try:
            yield folder
        finally:
            if os.geteuid() == 0:
                unmount_below(folder)
            remove_tree(folder)


def medians(runs: Mapping[str, Sequence[Spent]]) -> dict[str, dict[str, float]]:
    """Of everybody's runs."""
    return {
        name: {
            field: round(statistics.median(getattr(each, field) for each in spent), 3)
            for field in ("seconds", "cpu", "rss_mb")
        }
        for name, spent in runs.items()
        if spent
    }


def ratios(found: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Our seconds by theirs."""
    ours = found.get("towline")
    if ours is None:
        return {}
    return {
        f"towline/{name}": round(ours["seconds"] / theirs["seconds"], 3)
        for name, theirs in found.items()
        if name != "towline"
    }


def contend(
    contest: Contest,
    chosen: Mapping[str, Rival],
    runs: int,
    report: Callable[[str, Spent | None], None],
) -> tuple[dict[str, list[Spent]], dict[str, str]]:
    """Everybody in turn, and each time another one first; who failed is not asked again. `report` is
    told of every run, with None when it failed.
    """
    spent, failed = {name: list[Spent]() for name in chosen}, dict[str, str]()
    names = list(chosen)
    for number in range(runs):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            if name in failed:
                continue
            try:
                spent[name].append(contest.run(chosen[name]))
            except RivalFailed as error:
                failed[name] = str(error)
            report(name, None if name in failed else spent[name][-1])
    return {name: found for name, found in spent.items() if name not in failed}, failed


@dataclass(frozen=True, slots=True)
class _Own:
    """What a process and its children took."""

    seconds: float
    cpu: float
    rss_mb: float

    def beside(self, before: _Server | None) -> Spent:
        """With what a server took meanwhile."""
        if before is None:
            return Spent(self.seconds, self.cpu, self.rss_mb)
        cpu = self.cpu + before.since()
        return Spent(self.seconds, cpu, self.rss_mb + before.peak_mb())


@dataclass(frozen=True, slots=True)
class _Server:
    """A process that works for others, from a moment on."""

    pid: int
    cpu: float

    @classmethod
    def of(cls, pid: int | None) -> _Server | None:
        """As it is now."""
        if pid is None:
            return None
        with contextlib.suppress(OSError):
            Path(f"/proc/{pid}/clear_refs").write_text(_RESET_PEAK)
        return cls(pid, _cpu(pid))

    def since(self) -> float:
        """Seconds that it has computed since then."""
        return _cpu(self.pid) - self.cpu

    def peak_mb(self) -> float:
        """The most memory that it has had since then."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def _cpu(pid: int) -> float:
    """Seconds that a process and its children that have ended have computed."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _timed(command: Sequence[str], folder: Path, secret: str) -> _Own:
    """Run a program to its end, in a session of its own: an interruption is ours to pass on."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder)}
    if (folder / LOGIN_FILE).exists():
        environment["DOCKER_CONFIG"] = str(folder)
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as asked:
        print(secret, file=asked, flush=True)
        asked.seek(0)
        code, own = _apart(command, asked, said, environment)
        if code != 0:
            said.seek(0)
            lines = said.read().strip().splitlines()
            raise RivalFailed(lines[-1][-500:] if lines else f"exit code {code}")
    return own


def _apart(
    command: Sequence[str], asked: IO[str], said: IO[str], environment: Mapping[str, str]
) -> tuple[int, _Own]:
    reading, writing = os.pipe()
    apart = [sys.executable, "-I", "-S", "-c", _APART, str(writing), *command]
    with os.fdopen(reading, "rb") as told:
        try:
            process = subprocess.Popen(
                apart, stdin=asked, stdout=said, stderr=said, env=environment,
                pass_fds=(writing,), start_new_session=True,
            )  # fmt: skip
        finally:
            os.close(writing)
        try:
            process.wait()
        except BaseException:
            _end(process)
            raise
        taken = told.read()
    if not taken:
        return process.returncode or 1, _Own(0.0, 0.0, 0.0)
    code, seconds, cpu, peak = json.loads(taken)
    return code, _Own(seconds, cpu, peak / 1024)


def _end(process: subprocess.Popen[bytes]) -> None:
    """With what it has started."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(_REST)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
