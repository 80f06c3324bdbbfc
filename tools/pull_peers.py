"""Who pulls in `bench/pull.py`: containerd in three configurations, podman, and Towline.

Each is set up in a fresh folder, so that what it finds is what it made, and then pulls an image and
runs it until its first output has come. containerd is built from the Go module proxy, mkfs.erofs from
Debian's newest source: what Debian 12 has of both is years old, and a comparison with it would
flatter us.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

CONTAINERD = "github.com/containerd/containerd/v2/cmd/{}@v2.3.4"
_PROGRAMS = ("containerd", "ctr", "containerd-shim-runc-v2")
_ROOT = Path(__file__).parent.parent
_CONFIG = """version = 3
root = "{folder}/root"
state = "{folder}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images",
  "io.containerd.cri.v1.runtime", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.blockfile", "io.containerd.nri.v1.nri"]
[grpc]
address = "{folder}/socket"
[ttrpc]
address = "{folder}/ttrpc"
"""
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
_EROFS_BUILD = """
echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {mirror} sid main" > list
apt="apt-get -qq -o Dir::Etc::sourcelist=$PWD/list -o Dir::Etc::sourceparts=-"
apt="$apt -o Dir::State::lists=$PWD/lists -o Dir::Cache=$PWD/cache -o APT::Sandbox::User=root"
mkdir -p lists/partial cache/archives/partial
$apt update && $apt --download-only source erofs-utils
apt-get install -qq -y autoconf automake libtool pkg-config uuid-dev zlib1g-dev gcc make
tar xf erofs-utils_*.orig.tar.* --strip-components=1
./autogen.sh
./configure --disable-lz4 --disable-lzma --disable-fuse --without-libdeflate --without-libzstd \\
  --without-selinux --without-libcurl --without-openssl --without-libxml2 --without-json-c
make -s
"""
_MIRROR = "http://deb.debian.org/debian"


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
        config = folder / "config.toml"
        config.write_text(_CONFIG.format(folder=folder) + self.settings)
        search = {"PATH": f"{self.programs}:{os.environ['PATH']}"}
        ctr = [str(self.programs / "ctr"), "--address", f"{folder}/socket"]
        chosen = ["--snapshotter", self.snapshotter] if self.snapshotter else []
        command = [str(self.programs / "containerd"), "--config", str(config)]
        with _daemon(command, folder, search) as daemon:
            _until_answered([*ctr, "version"])
            pulling = [*ctr, "images", "pull", "--plain-http", *chosen, image]
            return _spent(daemon, pulling, [*ctr, "run", "--rm", *chosen, image, "first"])


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
    programs = _programs(cache)
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


def _programs(cache: Path) -> Path:
    programs = cache / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    missing = [name for name in _PROGRAMS if not (programs / name).exists()]
    if missing:
        from tools.conformance import find_go

        packages = [CONTAINERD.format(name) for name in missing]
        environment = {**os.environ, "GOBIN": str(programs.resolve())}
        subprocess.run([find_go(), "install", *packages], check=True, env=environment)
    if not (programs / "mkfs.erofs").exists():
        source = cache / "erofs-utils"
        source.mkdir(exist_ok=True)
        script = "set -e\n" + _EROFS_BUILD.format(mirror=_MIRROR)
        built = subprocess.run(["sh", "-c", script], cwd=source, stdout=sys.stderr, check=False)
        if built.returncode == 0:
            (source / "mkfs" / "mkfs.erofs").rename(programs / "mkfs.erofs")
        else:
            print("mkfs.erofs cannot be built: no erofs snapshotter", file=sys.stderr)
    return programs


@contextlib.contextmanager
def _daemon(
    command: Sequence[str], folder: Path, more: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **more})
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _until_answered(command: Sequence[str]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.05)
    raise RuntimeError(f"{command[0]} has nobody who answers")


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
