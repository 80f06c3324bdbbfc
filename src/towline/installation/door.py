"""Where the roles listen: ports are chosen once and remembered, so that a restart keeps addresses.

`doors.json` is `{"cloud": "http://127.0.0.1:PORT", "cluster": "https://…", "kubelet": "https://…"}`.
"""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from towline.installation.data_directory import write_secret
from towline.problem import Problem

SCHEMES = {"cloud": "http", "cluster": "https", "kubelet": "https"}
_LOOPBACK = "127.0.0.1"


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
    """The doors of every role, those without one given a free port of the loopback."""
    doors = remembered(path)
    missing = [role for role in SCHEMES if role not in doors]
    if missing:
        doors |= {
            role: f"{SCHEMES[role]}://{_LOOPBACK}:{port}"
            for role, port in zip(missing, _free_ports(len(missing)), strict=True)
        }
        write_secret(path, msgspec.json.format(msgspec.json.encode(doors)) + b"\n")
    return doors


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


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on; held together, so that they differ."""
    sockets = [socket.create_server((_LOOPBACK, 0)) for _ in range(count)]
    try:
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()
