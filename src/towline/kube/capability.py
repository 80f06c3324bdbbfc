"""The kernel's capabilities: which of root's powers a container has.

What a container may ask for beyond the usual ones must end at its pod, for its kernel is also that
of other tenants, and the pod's security groups are rules in its own network namespace. So the
powers over the network, devices, clocks, modules, mounts and schedulers are nobody's.
"""

from __future__ import annotations

from collections.abc import Sequence

USUAL = (
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW",
    "CAP_SETGID", "CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE",
    "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
)  # fmt: skip
"""What a container has that asks for nothing: containerd's `pkg/oci/spec.go`."""
_WITHIN_A_POD = frozenset(
    {"CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_LEASE", "CAP_NET_BROADCAST", "CAP_SYS_PTRACE"}
)
_ALL = "CAP_ALL"


class UnavailableCapability(Exception):
    """One that no container is given; the text is its name as it was asked for."""


def capabilities(add: Sequence[str], drop: Sequence[str]) -> tuple[str, ...]:
    """What a container has in the end; raises `UnavailableCapability`.

    The order is containerd's (`WithCapabilities` of its CRI plugin): ALL is dropped before anything
    is added, and what is named is dropped after it. Names may be written with or without CAP_.
    """
    dropped = set(map(_full, drop))
    given = dict.fromkeys(() if _ALL in dropped else USUAL)
    for name in add:
        if _full(name) not in _WITHIN_A_POD.union(USUAL):
            raise UnavailableCapability(name)
        given[_full(name)] = None
    return tuple(name for name in given if name not in dropped)


def _full(name: str) -> str:
    return f"CAP_{name.upper().removeprefix('CAP_')}"
