"""Who pulls in `bench/pull.py`: containerd in three configurations, podman, and Towline.

Each is set up in a fresh folder, so that what it finds is what it made, and then pulls an image and
runs it until its first output has come. Programs are those of
`tools/peer_programs.py`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tools.containerd_daemon import containerd
from tools.peer_programs import peer_programs

_ROOT = Path(__file__).parent.parent
TUNED = """[plugins.'io.containerd.transfer.v1.local']
max_concurrent_downloads = 6
concurrent_layer_fetch_buffer = 8388608
max_concurrent_unpacks = 4
"""
EROFS = """[plugins.'io.containerd.service.v1.diff-service']
default = ['erofs', 'walking']
[plugins.'io.containerd.differ.v1.erofs']
mkfs_options = ['-T0', '--mkfs-time', '--sort=none']
[plugins.'io.containerd.transfer.v1.local']
max_concurrent_downloads = 6
max_concurrent_unpacks = 4
[[plugins.'io.containerd.transfer.v1.local'.unpack_config]]
platform = 'linux/amd64'
snapshotter = 'erofs'
differ = 'erofs'
"""


@dataclass(frozen=True, slots=True)
class Spent:
    """What one pull took."""

    seconds: float
    """Until the container's first output."""
    pull: float
    """Until the image was said to be there."""
    cpu: float
    rss_mb: float


class Peer(Protocol):
    """Somebody who pulls."""

    def run(self, image: str, folder: Path) -> Spent:
        """Pull an image into an empty folder and run it."""
        ...


@dataclass(frozen=True, slots=True)
class Containerd:
    """containerd, as a daemon that is there already."""

    programs: Path
    settings: str = ""
    snapshotter: str = ""

    def run(self, image: str, folder: Path) -> Spent:
        """See `Peer`."""
        chosen = ["--snapshotter", self.snapshotter] if self.snapshotter else []
        with containerd(self.programs, folder, self.settings) as daemon:
            pulling = [*daemon.ctr, "images", "pull", "--plain-http", *chosen, image]
            running = [*daemon.ctr, "run", "--rm", *chosen, image, "first"]
            return _spent(daemon.process, pulling, running)


@dataclass(frozen=True, slots=True)
class Podman:
    """podman, which has no daemon."""

    def run(self, image: str, folder: Path) -> Spent:
        """See `Peer`."""
        podman = ["podman", "--root", f"{folder}/root", "--runroot", f"{folder}/run"]
        podman += ["--storage-driver", "overlay", "--cgroup-manager=cgroupfs"]
        pulling = [*podman, "pull", "-q", "--tls-verify=false", image]
        options = [
            "--rm",
            "--ulimit=nofile=1024:1024",
            "--ulimit=nproc=1024:1024",
            "--network=host",
        ]
        options += ["--runtime=runc"]
        return _spent(None, pulling, [*podman, "run", *options, image])


@dataclass(frozen=True, slots=True)
class Engine:
    """Towline's agent: its sandbox in a process that is there already."""

    def run(self, image: str, folder: Path) -> Spent:
        """See `Peer`."""
        command = [sys.executable, "-m", "tools.pull_engine", str(folder)]
        process = subprocess.Popen(
            command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdout.readline()
            before, began = _cpu(process.pid), time.perf_counter()
            print(image, file=process.stdin, flush=True)
            process.stdout.readline()
            pull = time.perf_counter() - began
            output = json.loads(process.stdout.readline())
            seconds = time.perf_counter() - began
            _expect(output["output"])
            return Spent(seconds, pull, _cpu(process.pid) - before, _peak(process.pid))
        finally:
            process.communicate()


@dataclass(frozen=True, slots=True)
class Command:
    """`towline pull`, from the start of its interpreter to its end; no container follows."""

    def run(self, image: str, folder: Path) -> Spent:
        """See `Peer`."""
        command = [str(Path(sys.executable).with_name("towline")), "pull", "--plain-http", image]
        seconds, cpu, rss, said = _timed(command, {"XDG_CACHE_HOME": str(folder)})
        _expect(said)
        return Spent(seconds, seconds, cpu, rss)


def peers(cache: Path) -> Mapping[str, Peer]:
    """Everybody, by name; what must be built is built below the folder, once."""
    programs = peer_programs(cache)
    found: dict[str, Peer] = {
        "containerd-default": Containerd(programs),
        "containerd-tuned": Containerd(programs, TUNED),
        "podman": Podman(),
        "towline": Engine(),
        "towline-pull": Command(),
    }
    if (programs / "mkfs.erofs").exists():
        found["containerd-erofs"] = Containerd(programs, EROFS, "erofs")
    return found


def _spent(
    daemon: subprocess.Popen[bytes] | None, pulling: Sequence[str], running: Sequence[str]
) -> Spent:
    before = _cpu(daemon.pid) if daemon else 0.0
    pull, cpu, rss, _ = _timed(pulling)
    run, more, _, said = _timed(running)
    _expect(said)
    if daemon is None:
        return Spent(pull + run, pull, cpu + more, rss)
    return Spent(pull + run, pull, cpu + more + _cpu(daemon.pid) - before, rss + _peak(daemon.pid))


def _expect(said: str) -> None:
    if not said.strip():
        raise RuntimeError("the container printed nothing")


def _timed(
    command: Sequence[str], more: Mapping[str, str] | None = None
) -> tuple[float, float, float, str]:
    """Seconds, seconds of CPU, peak of memory in MB, and what it printed."""
    with tempfile.TemporaryFile("w+") as complaint:
        began = time.perf_counter()
        environment = {**os.environ, **(more or {})}
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=complaint, text=True, env=environment
        )
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            complaint.seek(0)
            raise RuntimeError(f"{' '.join(command)}: {complaint.read()[-1000:]}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, said


def _cpu(pid: int) -> float:
    """Seconds that a process and its children that have ended have computed."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _peak(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
