"""Where the roles listen: ports are chosen once and remembered: a restart keeps addresses.

`doors.json` is `{"cloud": "http://127.0.0.1:PORT", "cluster": "https://…", "kubelet": "https://…"}`.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from towline.installation.data_directory import write_secret
from towline.problem import Problem


@dataclass(frozen=True, slots=True)
class Door:
    """How a role is spoken to, and the port it gets where that is free.

    The ports lie below 32768, where the kernel takes the ports of outgoing connections from: a
    remembered one is then not lost to a passing client.
    """

    scheme: str
    port: int


DOORS = {
    "cloud": Door("http", 8070),
    "cluster": Door("https", 6443),
    "kubelet": Door("https", 10250),
}
_LOOPBACK = "127.0.0.1"
_NEIGHBOURS = 200  # how many ports after the first are tried


def remembered(path: Path) -> dict[str, str]:
    """The doors by role; empty when none were ever chosen. Raises `Problem` on a damaged file."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError) as error:
        raise Problem(
            "doors-unreadable",
            cause=f"{path} cannot be read: {error}",
            remedy="remove it: `towline up` chooses new ports then",
        ) from error


def choose(path: Path) -> dict[str, str]:
    """The doors of every role: the remembered ones, or others where somebody has taken a port.

    Only for when no role runs, and for one process at a time.
    """
    known = remembered(path)
    chosen: dict[str, str] = {}
    for role, door in DOORS.items():
        before = known.get(role)
        port = port_of(before) if before else door.port
        taken = {port_of(each) for each in chosen.values()}
        free = next(one for one in _ports(port) if one not in taken and _is_free(one))
        chosen[role] = f"{door.scheme}://{_LOOPBACK}:{free}"
    if chosen != known:
        write_secret(path, msgspec.json.format(msgspec.json.encode(chosen)) + b"\n")
    return chosen


def remember(path: Path, role: str, door: str) -> None:
    """Note that a role listens elsewhere than it did."""
    doors = remembered(path) | {role: door}
    write_secret(path, msgspec.json.format(msgspec.json.encode(doors)) + b"\n")


def port_of(door: str) -> int:
    """The port of a door."""
    port = urlsplit(door).port
    if port is None:
        raise Problem(
            "door-without-port",
            cause=f"{door!r} names no port",
            remedy="remove doors.json: `towline up` chooses new ports then",
        )
    return port


def _ports(first: int) -> Iterator[int]:
    """The wanted port, its neighbours, and then whatever the kernel offers."""
    yield from range(first, first + _NEIGHBOURS)
    while True:
        with socket.create_server((_LOOPBACK, 0)) as listener:
            offered = int(listener.getsockname()[1])
        yield offered


def _is_free(port: int) -> bool:
    try:
        with socket.create_server((_LOOPBACK, port)):
            return True
    except (OSError, OverflowError):  # the latter is a port above 65535
        return False
