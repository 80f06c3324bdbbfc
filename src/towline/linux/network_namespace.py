"""Network namespaces kept by files in `/run/netns`, where `ip netns` shows them.

They are made by our own system calls: `ip netns add` turns `/run/netns` into a mount of the host,
which would stay, and takes longer.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import socket
import struct
import threading
from pathlib import Path

from towline.linux.namespace_socket import SocketMaker
from towline.linux.system_call import CLONE_NEWNET, MS_BIND, mount, unmount, unshare

FOLDER = Path("/run/netns")
BACKLOG = 1024
_ANYWHERE = "00000000"  # the destination of the default route in /proc/net/route
_SIOCSIFFLAGS, _IFF_UP, _IFF_RUNNING = 0x8914, 0x1, 0x40  # netdevice(7)


def path_of(name: str) -> Path:
    """The file that keeps a namespace."""
    return FOLDER / name


def names(prefix: str) -> frozenset[str]:
    """The namespaces whose names begin so, also those that were only half made."""
    if not FOLDER.is_dir():
        return frozenset()
    return frozenset(path.name for path in FOLDER.iterdir() if path.name.startswith(prefix))


def stands(name: str) -> bool:
    """Whether the namespace is there, and not only its empty file."""
    try:
        own, folder = path_of(name).stat(), FOLDER.stat()
    except FileNotFoundError:
        return False
    return own.st_dev != folder.st_dev


def identity(name: str) -> int | None:
    """A number that this namespace has and no other that was ever made under its name.

    None when it does not stand.
    """
    return path_of(name).stat().st_ino if stands(name) else None


def create(name: str) -> None:
    """Make a namespace with its loopback up; one that stands is left as it is."""
    FOLDER.mkdir(mode=0o755, parents=True, exist_ok=True)
    path = path_of(name)
    if stands(name):
        return  # and nobody may touch it: it is a file of the kernel's
    path.touch(mode=0o444)
    failures = list[OSError]()

    def make() -> None:
        try:
            unshare(CLONE_NEWNET)
            _raise_loopback()
            mount("/proc/thread-self/ns/net", path, None, MS_BIND)
        except OSError as error:
            failures.append(error)

    # The thread moves into the new namespace, so it is one of its own that ends with it.
    thread = threading.Thread(target=make, name="towline-netns")
    thread.start()
    thread.join()
    if failures:
        path.unlink(missing_ok=True)
        raise failures[0]


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", _IFF_UP | _IFF_RUNNING)
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, request)


def delete(name: str) -> None:
    """Remove a namespace. It ends when the last process in it has; nothing happens if there is
    none.
    """
    path = path_of(name)
    while True:
        try:
            unmount(path)
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            break  # nothing is mounted there (any more)
    path.unlink(missing_ok=True)


def forward(name: str) -> None:
    """Let the namespace pass packets on, without telling senders of shorter ways.

    Connections that wait at a socket which closes go over to another that listens at its port, so
    that an exchange of doors is not noticed (since Linux 5.14; refused before).
    """

    def write() -> None:
        settings = Path("/proc/sys/net/ipv4")
        # Links that are made later take over the default.
        for each in ("default", "all"):
            (settings / "conf" / each / "send_redirects").write_text("0")
            # Answers come by other ways than their questions would go.
            (settings / "conf" / each / "rp_filter").write_text("0")
        migration = settings / "tcp_migrate_req"
        if migration.exists():
            migration.write_text("1")
        (settings / "ip_forward").write_text("1")

    SocketMaker(path_of(name)).inside(write)


def forwards(name: str) -> bool:
    """Whether it passes packets on."""
    setting = Path("/proc/sys/net/ipv4/ip_forward")
    return SocketMaker(path_of(name)).inside(setting.read_text).strip() == "1"


def links(name: str) -> frozenset[str]:
    """The names of the links in it; none when it does not stand."""
    return frozenset(link_numbers(name))


def link_numbers(name: str) -> dict[str, int]:
    """The links in it by name, each with a number that no other link had before it in there."""
    if not stands(name):
        return {}
    found = SocketMaker(path_of(name)).inside(socket.if_nameindex)
    return {link: number for number, link in found}


def has_default_route(name: str) -> bool:
    """Whether packets to anywhere leave it: of a pod's namespace, whether it is complete."""
    if not stands(name):
        return False
    table = Path("/proc/thread-self/net/route")
    lines = SocketMaker(path_of(name)).inside(table.read_text).splitlines()[1:]
    return any(line.split()[1] == _ANYWHERE for line in lines)


def listen(name: str, address: str, port: int) -> socket.socket:
    """A listening TCP socket in the namespace.

    The port can be shared: a new door opens beside the one that another process still holds.
    """

    def open_socket() -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            made.bind((address, port))
            made.listen(BACKLOG)
        except BaseException:
            made.close()
            raise
        made.setblocking(False)  # noqa: FBT003  # the standard library's signature
        return made

    return SocketMaker(path_of(name)).inside(open_socket)


def bind_datagram(name: str, address: str, port: int) -> socket.socket:
    """A UDP socket bound in the namespace."""

    def open_socket() -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with contextlib.ExitStack() as undo:
            undo.callback(made.close)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind((address, port))
            made.setblocking(False)  # noqa: FBT003  # the standard library's signature
            undo.pop_all()
        return made

    return SocketMaker(path_of(name)).inside(open_socket)
