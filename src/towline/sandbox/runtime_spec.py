"""The `config.json` of a container: containerd's default, the image's config and the pod's wishes.

The defaults are those of containerd's `pkg/oci/spec.go` with what its CRI plugin changes: there is
no seccomp filter, and the network namespace is the pod's. Every container has process, mount, IPC
and host-name namespaces of its own; `/dev/shm` is shared within the pod.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from towline.cluster.node.provider import ContainerSpec, Limits
from towline.oci.image_config import ImageConfig
from towline.sandbox.command_line import command_line, environment, working_dir
from towline.sandbox.user import User

OCI_VERSION = "1.0.2"
CPU_PERIOD = 100_000  # microseconds; the kubelet's
LEAST_QUOTA = 1_000  # the kernel's
FILES_AT_MOST = 1_048_576
BEST_EFFORT = 1000  # the kubelet's oom_score_adj for who promised to stay within nothing

_MASKED = (
    "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
    "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
    "/sys/devices/virtual/powercap",
)  # fmt: skip
_READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
_SAFE = ("nosuid", "noexec", "nodev")
_MOUNTS = (
    ("/proc", "proc", "proc", _SAFE),
    ("/dev", "tmpfs", "tmpfs", ("nosuid", "strictatime", "mode=755", "size=65536k")),
    ("/dev/pts", "devpts", "devpts",
     ("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5")),
    ("/dev/mqueue", "mqueue", "mqueue", _SAFE),
    ("/sys", "sysfs", "sysfs", (*_SAFE, "ro")),
    ("/sys/fs/cgroup", "cgroup", "cgroup", (*_SAFE, "relatime", "ro")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bind:
    """Something of ours that a container sees."""

    path: str
    source: Path
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a container finds where it runs."""

    root: Path
    hostname: str
    network: Path
    """The file that keeps the pod's network namespace."""
    cgroup: str
    processes: int
    open_files: int
    """The most that this machine lets us give."""
    binds: tuple[Bind, ...] = ()


def runtime_spec(
    spec: ContainerSpec, config: ImageConfig, user: User, around: Surroundings
) -> dict[str, object]:
    """The config as JSON objects."""
    return {
        "ociVersion": OCI_VERSION,
        "process": _process(spec, config, user, around),
        "root": {"path": str(around.root), "readonly": spec.read_only_root},
        "hostname": around.hostname,
        "mounts": [*map(_mount, _MOUNTS), *map(_bind, around.binds)],
        "linux": {
            "namespaces": [
                *({"type": kind} for kind in ("pid", "mount", "ipc", "uts")),
                {"type": "network", "path": str(around.network)},
            ],
            "cgroupsPath": around.cgroup,
            "resources": _resources(spec.limits, around.processes),
            "maskedPaths": list(_MASKED),
            "readonlyPaths": list(_READ_ONLY),
        },
    }


def _process(
    spec: ContainerSpec, config: ImageConfig, user: User, around: Surroundings
) -> dict[str, object]:
    files = min(FILES_AT_MOST, around.open_files)
    may = spec.privileges
    groups = list(dict.fromkeys((*user.groups, *may.groups)))
    limited = spec.limits.cpu_millicores is not None or spec.limits.memory_bytes is not None
    return {
        "terminal": spec.tty,
        "user": {"uid": user.uid, "gid": user.gid, "additionalGids": groups},
        "args": list(command_line(spec, config)),
        "env": list(environment(spec, config, around.hostname, user.home)),
        "cwd": working_dir(spec, config),
        "capabilities": {
            kind: list(may.capabilities) for kind in ("bounding", "effective", "permitted")
        },
        "rlimits": [{"type": "RLIMIT_NOFILE", "soft": files, "hard": files}],
        "noNewPrivileges": not may.may_gain,
        "oomScoreAdj": 0 if limited else BEST_EFFORT,
    }


def _resources(limits: Limits, processes: int) -> dict[str, object]:
    resources: dict[str, object] = {
        "devices": [{"allow": False, "access": "rwm"}],
        "pids": {"limit": processes},
    }
    if limits.memory_bytes is not None:
        resources["memory"] = {"limit": limits.memory_bytes}
    if limits.cpu_millicores is not None:
        quota = max(LEAST_QUOTA, limits.cpu_millicores * CPU_PERIOD // 1000)
        shares = max(2, limits.cpu_millicores * 1024 // 1000)  # the kubelet's MilliCPUToShares
        resources["cpu"] = {"shares": shares, "quota": quota, "period": CPU_PERIOD}
    return resources


def _mount(mount: tuple[str, str, str, tuple[str, ...]]) -> dict[str, object]:
    destination, kind, source, options = mount
    return {
        "destination": destination,
        "type": kind,
        "source": source,
        "options": list(options),
    }


def _bind(bind: Bind) -> dict[str, object]:
    access = "ro" if bind.read_only else "rw"
    return {
        "destination": bind.path,
        "type": "bind",
        "source": str(bind.source),
        "options": ["rbind", "rprivate", access],
    }
