"""A pull's sockets are made inside the pod's namespace: they see its addresses, its routes and its
name server.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from towline.linux.wire import SocketWire
from towline.pull.wire import Trouble, WireFailed

pytestmark = pytest.mark.root
NAME = "tlwiretest"


def our_namespace() -> str:
    """What the kernel calls the namespace of this thread."""
    return str(Path("/proc/thread-self/ns/net").readlink())


@pytest.fixture
def netns() -> Iterator[Path]:
    """A namespace with an address of its own on its loopback, and a route that swallows."""
    subprocess.run(["ip", "netns", "add", NAME], check=True)
    try:
        for command in ("link set lo up", "address add 10.77.0.1/32 dev lo"):
            subprocess.run(["ip", "-n", NAME, *command.split()], check=True)
        yield Path("/run/netns") / NAME
    finally:
        subprocess.run(["ip", "netns", "delete", NAME], check=True)


async def test_the_namespaces_addresses_and_routes_are_seen(netns: Path) -> None:
    """Nobody listens at its address, so it refuses; there is no route to anywhere else."""
    wire = SocketWire(netns)
    with pytest.raises(WireFailed) as refused:
        await wire.dial("10.77.0.1", 9)
    with pytest.raises(WireFailed) as unreachable:
        await wire.dial("192.0.2.1", 443)
    wire.close()

    assert refused.value.fault.trouble is Trouble.REFUSED
    assert unreachable.value.fault.trouble is Trouble.NETWORK_UNREACHABLE


async def test_the_name_server_is_asked_from_the_namespace(netns: Path) -> None:
    """It has an address that only the namespace knows; nobody listens, so it is refused there."""
    wire = SocketWire(netns, nameservers=("10.77.0.1",))
    with pytest.raises(WireFailed) as caught:
        async with asyncio.timeout(5):
            await wire.resolve("h.example")
    wire.close()

    assert caught.value.fault.trouble is Trouble.LOOKUP_REFUSED
    assert caught.value.fault.local.startswith("10.77.0.1:")


async def test_our_own_thread_stays_where_it_was(netns: Path) -> None:
    """Whatever was dialled elsewhere."""
    before = our_namespace()
    wire = SocketWire(netns)
    with pytest.raises(WireFailed):
        await wire.dial("10.77.0.1", 9)
    wire.close()

    assert our_namespace() == before
