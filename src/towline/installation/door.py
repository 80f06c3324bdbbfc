"""Where the roles listen: ports are chosen once and remembered: a restart keeps addresses.

`doors.json` is `{"cloud": "http://127.0.0.1:PORT", "cluster": "https://…", "kubelet": "https://…"}`.
"""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterator, Mapping
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
    """The doors by role; empty when none were ever chosen. Raises `Problem` on a damaged file.

    A door at which nobody can listen, like one whose port is no port, counts as never chosen.
    """
    try:
        doors = msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError) as error:
        raise Problem(
            "doors-unreadable",
            cause=f"{path} cannot be read: {error}",
            remedy="remove it: `towline up` chooses new ports then",
        ) from error
    return {role: door for role, door in doors.items() if _is_usable(door)}


def choose(path: Path) -> dict[str, str]:
    """The doors of every role: the remembered ones, or others where somebody has taken a port.

    Only for when no role runs, and for one process at a time.
    """
    known = remembered(path)
    chosen: dict[str, str] = {}
    for role in DOORS:
        chosen[role] = _free_door(role, known.get(role), chosen)
    _keep(path, chosen)
    return chosen


def settle(path: Path, role: str, port: int | None) -> int:
    """The port of one role: the one asked for, else the remembered one, else a free one.

    The others get doors if they have none; those they have stay, since they may be running. Raises
    `Problem`, and remembers nothing, when nobody can listen on the port that was asked for.
    """
    doors = remembered(path)
    if port is not None:
        _refuse_taken(port)
        doors = {other: door for other, door in doors.items() if port_of(door) != port}
        doors[role] = _door(role, port)
    for each in DOORS:
        if each not in doors:
            doors[each] = _free_door(each, None, doors)
    _keep(path, doors)
    return port_of(doors[role])


def free_port(first: int, taken: Collection[int]) -> int:
    """The first free port from `first` on that is none of the `taken`, for one more cluster's API."""
    return next(one for one in _ports(first) if one not in taken and _is_free(one))


def port_of(door: str) -> int:
    """The port of a door, as `remembered`, `choose` and `settle` give them."""
    port = urlsplit(door).port
    assert port is not None
    return port


def _is_usable(door: str) -> bool:
    try:
        return bool(urlsplit(door).port)
    except ValueError:  # above 65535, negative, or no number
        return False


def _door(role: str, port: int) -> str:
    return f"{DOORS[role].scheme}://{_LOOPBACK}:{port}"


def _free_door(role: str, before: str | None, others: Mapping[str, str]) -> str:
    first = port_of(before) if before else DOORS[role].port
    taken = {port_of(door) for door in others.values()}
    return _door(role, free_port(first, taken))


def _keep(path: Path, doors: Mapping[str, str]) -> None:
    content = msgspec.json.format(msgspec.json.encode(doors)) + b"\n"
    if not path.exists() or path.read_bytes() != content:
        write_secret(path, content)


def _refuse_taken(port: int) -> None:
    try:
        with socket.create_server((_LOOPBACK, port)):
            return
    except OSError as error:
        raise Problem(
            "port-unusable",
            cause=f"nobody can listen on {_LOOPBACK}:{port}: {error.strerror}",
            remedy="end the process that has the port, or choose another port above 1023",
        ) from error


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
