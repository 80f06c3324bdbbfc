"""What is not changed goes on: connections do not notice what happens to others."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace as changed
from tests.egress import EIP, ELSEWHERE, OTHER_EIP, TO_GATEWAY, WHOLE, endpoint, guest
from tests.networks import INSTANCE, Agent, agent, connect, subnet, swept, vpc
from tests.unit.network.models import elastic_ip, nat_gateway, route, route_table

from towline.linux import network_namespace
from towline.resource.nat_gateway import NatState
from towline.resource.route_table import GatewayType

pytestmark = pytest.mark.root
PODS = 200


async def pods(here: Agent) -> list[Path]:
    """Many pods of one subnet."""
    async with asyncio.TaskGroup() as tasks:
        made = [tasks.create_task(here.pod(f"uid-{number}", subnet(0))) for number in range(PODS)]
    return [task.result() for task in made]


async def change_others(here: Agent) -> None:
    """Routes, associations, gateways, addresses and an allowlist that are not on the pods' way."""
    elsewhere = route("203.0.113.0/24", GatewayType.NAT, "nat-v0n1")
    await here.replace(route_table(0, 1), route_table(0, 1, elsewhere))
    await here.write(subnet(0, 1), vpc(1), subnet(1))
    await here.settled()
    await here.replace(route_table(0, 0), route_table(0, 0, TO_GATEWAY, changed(elsewhere, id=2)))
    await here.write(nat_gateway(0, 1, 1, state=NatState.PENDING))
    await here.replace(OTHER_EIP, elastic_ip(1, "nat-v0n1"))
    await here.settled()
    await here.replace(subnet(0, 1), changed(subnet(0, 1), route_table_id="rtb-v0n1"))
    await here.replace(WHOLE.endpoint, endpoint("203.0.113.0/24"))
    await here.settled()


async def test_two_hundred_pods_keep_their_connections_while_others_change(tmp_path: Path) -> None:
    """All of them through one gateway."""
    loop = asyncio.get_running_loop()
    with swept(tmp_path) as folder:
        async with agent(folder, INSTANCE, vpc(0), *WHOLE.records) as here:
            namespaces = await pods(here)
            with network_namespace.listen(here.names.internet, ELSEWHERE, 80) as listening:
                connections = [await connect(pod, ELSEWHERE, 80) for pod in namespaces]
                guests = [await guest(listening) for _ in namespaces]
            await change_others(here)
            for each in guests:
                each.sendall(b"still here")
            async with asyncio.timeout(10):
                heard = [await loop.sock_recv(each, 100) for each in connections]
            senders = {each.getpeername()[0] for each in guests}
            for each in (*connections, *guests):
                each.close()

    assert heard == [b"still here"] * PODS
    assert senders == {EIP.address}
