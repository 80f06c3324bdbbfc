"""The door of a link with the real registry behind it: a pod speaks TLS to the registry's domain."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.networks import agent, connect, subnet, swept, vpc
from tests.registry_role import RegistryRole

from towline.resource.link import Link

pytestmark = pytest.mark.root


@pytest.fixture
def role(tmp_path: Path) -> Iterator[RegistryRole]:
    """A registry with one instance, as a process of its own."""
    with swept(tmp_path):
        made = RegistryRole(tmp_path)
        made.prepare("library")
        made.start()
        try:
            yield made
        finally:
            made.stop()


def status(role: RegistryRole, connection: socket.socket) -> str:
    """What the registry answers to a stranger, after its certificate was checked. Blocks."""
    connection.settimeout(10)
    context = ssl.create_default_context(cafile=role.data.registry_authority)
    with context.wrap_socket(connection, server_hostname=role.instance.domain) as secured:
        request = f"GET /v2/ HTTP/1.1\r\nHost: {role.instance.domain}\r\nConnection: close\r\n\r\n"
        secured.sendall(request.encode())
        return secured.recv(4096).decode().partition("\r\n")[0]


async def test_a_pod_speaks_to_the_registry_through_its_links_door(role: RegistryRole) -> None:
    """Also after the registry was killed: who had dialled meanwhile is answered by the next."""
    instance = role.instance
    link = Link(instance_id=instance.id, vpc_id="vpc-0", subnet_id=subnet(0).id, created_at="")
    async with agent(role.folder, vpc(0), subnet(0), link) as here:
        address = await here.access_ip()
        pod = await here.pod("uid-1", subnet(0))
        first = await asyncio.to_thread(status, role, await connect(pod, address, 443))
        role.kill()
        waiting = await connect(pod, address, 443)
        await asyncio.to_thread(role.start)
        second = await asyncio.to_thread(status, role, waiting)

    assert first == second == "HTTP/1.1 401 Unauthorized"


async def test_an_agent_that_starts_anew_opens_the_door_again(role: RegistryRole) -> None:
    """The registry closes what the one before had handed in."""
    link = Link(instance_id=role.instance.id, vpc_id="vpc-0", subnet_id=subnet(0).id, created_at="")
    async with agent(role.folder, vpc(0), subnet(0), link) as first:
        address = await first.access_ip()
        await first.pod("uid-1", subnet(0))
    async with agent(role.folder) as second:
        pod = second.network.pods.namespace_path("uid-1")
        answers = [
            await asyncio.to_thread(status, role, await connect(pod, address, 443))
            for _ in range(20)
        ]

    assert set(answers) == {"HTTP/1.1 401 Unauthorized"}
