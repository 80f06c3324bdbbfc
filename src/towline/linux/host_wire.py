"""A wire from an installation's internet to the host's own network, for those who ask for it.

It is the only thing of an installation that the host notices: one link, one nftables table, and that
the host passes packets on. What this setting was before is written down first, by the first
installation that changes it, and set back by the last that goes.

    pods ── routers ── internet ── host ── wherever the host leads

Both the internet and the host hide who sends, so that nobody outside needs a route to us. A host whose
own rules forbid forwarding keeps forbidding it.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from towline.linux import network_namespace
from towline.linux.network_namespace import path_of
from towline.network.address import HOST, HOST_WIRES
from towline.network.name import Names
from towline.problem import Problem

NOTE = Path("/run/towline-ip-forward")
"""What `ip_forward` was on the host. It is gone after a boot, as the setting is."""
_SETTING = Path("/proc/sys/net/ipv4/ip_forward")
_TABLE = "towline-uplink-"
_LINK = "host"


@dataclass(frozen=True, slots=True)
class HostWire:
    """The wire of one installation. Its methods block for some milliseconds."""

    names: Names

    def lay(self) -> None:
        """Have it; nothing happens when it is there. Raises `Problem`.

        The internet's namespace must stand. Only the process whose network namespace is the host's
        may call it.
        """
        internet = self.names.internet
        if _LINK in network_namespace.links(internet) and self._stands():
            return
        self._cut()
        here = str(HOST_WIRES[2 + crc32(internet.encode()) % (HOST_WIRES.num_addresses - 3)])
        pair = f"link add name {self._name} type veth peer name {_LINK} netns {internet}"
        near = f"address add {HOST} peer {here}/32 dev {self._name}"
        _run(["ip", "-batch", "-"], [pair, near, f"link set {self._name} up"])
        far = f"address add {here} peer {HOST}/32 dev {_LINK}"
        way = f"route add default via {HOST} dev {_LINK}"
        _run(["ip", "-n", internet, "-batch", "-"], [far, f"link set {_LINK} up", way])
        _run([*_inside(internet), "nft", "-f", "-"], _hiding("uplink", f'oifname "{_LINK}"'))
        _forward()
        _run(["nft", "-f", "-"], _hiding(self._table, f"ip saddr {here}"))

    def remove(self) -> None:
        """Leave the host as it was; nothing happens when there is no wire."""
        self._cut()
        if not NOTE.exists():
            return  # and so nobody has a table
        if self._table in _tables():
            _run(["nft", "-f", "-"], [f"delete table inet {self._table}"])
        if not any(table.startswith(_TABLE) for table in _tables()):
            _SETTING.write_text(NOTE.read_text())
            NOTE.unlink()

    @property
    def is_there(self) -> bool:
        """Whether the host's end is; anybody may ask."""
        return self._name in _links()

    @property
    def _name(self) -> str:
        """The host's end: at most 15 characters."""
        return self.names.prefix.removesuffix("-")[:15]

    @property
    def _table(self) -> str:
        return f"{_TABLE}{self.names.installation}"

    def _stands(self) -> bool:
        return self._name in _links() and self._table in _tables()

    def _cut(self) -> None:
        if self._name in _links():
            _run(["ip", "-batch", "-"], [f"link delete {self._name}"])


def _links() -> frozenset[str]:
    return frozenset(name for _, name in socket.if_nameindex())


def _tables() -> frozenset[str]:
    shown = _run(["nft", "list", "tables", "inet"], [])
    return frozenset(line.split()[-1] for line in shown.splitlines() if line.strip())


def _forward() -> None:
    """Let the host pass packets on, once it is written down whether it did."""
    before = _SETTING.read_text()
    with contextlib.suppress(FileExistsError), NOTE.open("x") as note:
        note.write(before)
    _SETTING.write_text("1")


def _hiding(table: str, whom: str) -> Sequence[str]:
    """Rules by which some have the address of the link by which they leave."""
    chain = "type nat hook postrouting priority srcnat; policy accept;"
    whole = f"table inet {table} {{ chain leaving {{ {chain} {whom} masquerade; }}; }}"
    return [f"add table inet {table}", f"delete table inet {table}", whole]


def _inside(namespace: str) -> list[str]:
    return ["nsenter", f"--net={path_of(namespace)}"]


def _run(command: Sequence[str], lines: Sequence[str]) -> str:
    text = "".join(f"{line}\n" for line in lines)
    done = subprocess.run(command, input=text, capture_output=True, check=False, text=True)
    if done.returncode != 0:
        raise Problem(
            "uplink-refused",
            cause=f"`{' '.join(command)}` failed: {(done.stderr or done.stdout).strip()[:2000]}",
            remedy="check that the agent runs as root in the host's network, or do without the uplink",
        )
    return done.stdout
