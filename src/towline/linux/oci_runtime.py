"""The OCI runtime: crun, or runc where there is no crun, each container watched by conmon.

Conmon stays with a container whatever becomes of us: it writes the log in CRI format and, at the
end, the exit code into a file.

crun 1.8 refuses a hybrid cgroup hierarchy that has a controller on its v2 side. It is content when
it cannot see that side: so there it runs in a mount namespace of its own without it, by a script (see
`hidden_side`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from towline.linux.cgroups import UNIFIED_IN_HYBRID, CgroupLayout, Cgroups
from towline.linux.hidden_side import write_script
from towline.problem import Problem

_ARRIVAL = 3.0  # seconds within which a container that has been made has come to its gate
_LOOK = 0.01
LARGEST_LOG = 10 * 1024 * 1024  # the kubelet's containerLogMaxSize; conmon then begins anew


def state_folder(folder: Path) -> Path:
    """Where a runtime that was found with this folder remembers its containers."""
    return folder / "runtime"


class RuntimeRefused(Exception):
    """The runtime would not make or start a container; the text is its own."""


@dataclass(frozen=True, slots=True)
class ContainerFiles:
    """Where one container's files are."""

    id: str
    bundle: Path
    """Holds `config.json`."""
    log: Path
    state: Path
    """Conmon writes `pid`, `monitor`, and at the end `exit` and perhaps `oom`."""
    terminal: bool = False

    @property
    def monitor_pid(self) -> Path:
        """The number of conmon's process."""
        return self.state / "monitor"

    @property
    def exit(self) -> Path:
        """The exit code, there before conmon ends."""
        return self.state / "exit"

    @property
    def starved(self) -> Path:
        """There when conmon was told that the kernel killed for want of memory."""
        return self.state / "oom"


class _Answer(msgspec.Struct):
    data: int
    message: str = ""


@dataclass(frozen=True, slots=True)
class OciRuntime:
    """A runtime with its monitor."""

    name: str
    program: Path
    bare: Path
    """The runtime without a script around it, for what concerns no control group: it is quicker."""
    monitor: Path
    state: Path
    """A folder of its own for what it remembers."""

    @classmethod
    def find(
        cls, folder: Path, cgroups: Cgroups, preferred: Sequence[str] = ("crun", "runc")
    ) -> OciRuntime:
        """The first of the preferred runtimes that is installed; raises `Problem`."""
        monitor = shutil.which("conmon", path=_search_path())
        found = ((name, shutil.which(name, path=_search_path())) for name in preferred)
        name, program = next(((name, path) for name, path in found if path), ("", None))
        if monitor is None or program is None:
            missing = "conmon" if monitor is None else " or ".join(preferred)
            raise Problem(
                "runtime-missing",
                cause=f"{missing} is not installed",
                remedy="Install crun (or runc) and conmon; on Debian: `make install`.",
            )
        state = state_folder(folder)
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = bare = Path(program)
        if name == "crun" and cgroups.layout is CgroupLayout.HYBRID:
            hidden = cgroups.unified or UNIFIED_IN_HYBRID
            path = write_script(folder / "crun", path, hidden)
        return cls(name, path, bare, Path(monitor), state)

    async def create(self, container: ContainerFiles, held: Sequence[int] = ()) -> int:
        """Make a container, ready to start; the number of its first process. The folders of its
        files exist. Conmon has the descriptors `held` as long as it lives, the container has not.
        Raises `RuntimeRefused`.
        """
        receiver, sender = os.pipe()
        with contextlib.closing(os.fdopen(receiver, "rb", buffering=0)) as pipe:
            try:
                process = await asyncio.create_subprocess_exec(
                    *self._monitor_command(container),
                    pass_fds=(sender, *held),
                    cwd=container.state,  # conmon writes `oom` where it is
                    env={**os.environ, "_OCI_SYNCPIPE": str(sender)},
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=asyncio.subprocess.PIPE,
                )
            finally:
                os.close(sender)
            reader = asyncio.StreamReader()
            transport, _ = await asyncio.get_running_loop().connect_read_pipe(
                lambda: asyncio.StreamReaderProtocol(reader), pipe
            )
            try:
                line = await reader.readline()
            finally:
                transport.close()
            _, complaint = await process.communicate()
        if not line:
            raise RuntimeRefused(complaint.decode(errors="replace") or "conmon said nothing")
        answer = msgspec.json.decode(line, type=_Answer)
        if answer.data <= 0:
            raise RuntimeRefused(answer.message)
        return answer.data

    def waits(self, container: str) -> bool:
        """Whether a container is made and has not been let run."""
        return self._gate(container).exists()

    async def start(self, container: str) -> None:
        """Let a made container run; raises `RuntimeRefused`. One that runs already may go on."""
        if self.name == "crun" and self.waits(container):
            await _open(self._gate(container))
        else:
            await self._run(str(self.bare), *self._options(), "start", container)

    def _gate(self, container: str) -> Path:
        """Where a made container waits: runc's and crun's way."""
        return self.state / container / "exec.fifo"

    async def delete(self, container: str) -> None:
        """Forget a container, killing it if it lives; nothing happens when there is none."""
        if (self.state / container).exists():
            await self._run(*self.command("delete", "--force", container))

    async def _run(self, *command: str) -> None:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await process.communicate()
        if process.returncode != 0:
            raise RuntimeRefused(said.decode(errors="replace"))

    def command(self, *arguments: str) -> list[str]:
        """The runtime's command line for these arguments."""
        return [str(self.program), *self._options(), *arguments]

    def _options(self) -> list[str]:
        return [f"--root={self.state}"]

    def _monitor_command(self, container: ContainerFiles) -> list[str]:
        options = {
            "--cid": container.id,
            "--cuuid": container.id,
            "--name": container.id,
            "--runtime": str(self.program),
            "--bundle": str(container.bundle),
            "--persist-dir": str(container.state),
            "--container-pidfile": str(container.state / "pid"),
            "--conmon-pidfile": str(container.monitor_pid),
            "--log-path": f"k8s-file:{container.log}",
            "--log-size-max": str(LARGEST_LOG),
            "--log-level": "error",
            "--api-version": "1",
        }
        words = [word for pair in options.items() for word in pair]
        words += [f"--runtime-arg={option}" for option in self._options()]
        words.append("--full-attach")  # else it makes a link in /var/run
        if container.terminal:
            words.append("--terminal")
        return [str(self.monitor), *words]


async def _open(gate: Path) -> None:
    """Do what `crun start` does, without starting a program for it.

    The container reads one byte and goes on (crun's `libcrun_status_write_exec_fifo`). That the gate
    is gone is how crun knows that a container is no longer merely made. Where nobody comes to read,
    whoever waited has gone on: the one who wrote was killed before he took the gate away. `crun
    start` would wait there for ever.
    """
    for _ in range(round(_ARRIVAL / _LOOK)):
        if _written(gate):
            break
        await asyncio.sleep(_LOOK)
    _take_away(gate)


def _take_away(gate: Path) -> None:
    gate.unlink(missing_ok=True)


def _written(gate: Path) -> bool:
    """Whether somebody waits at the gate and has been told to go on."""
    try:
        fd = os.open(gate, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        os.write(fd, b"\0")
    except OSError:
        return False
    finally:
        os.close(fd)
    return True


def _search_path() -> str:
    """Root's programs are not on everybody's path."""
    return f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"
