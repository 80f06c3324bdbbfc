"""An agent that is killed in the middle of its work is followed by one that sorts everything out."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import dns.message
import pytest
from tests.networks import (
    INSTANCE,
    StandInRegistry,
    agent,
    ask,
    connect,
    heard,
    subnet,
    swept,
    until,
)

from towline.linux import network_namespace
from towline.network.address import RESOLVERS
from towline.resource import kind
from towline.resource.vpc import Address, AddressOwner
from towline.store.collection import Collection

pytestmark = [pytest.mark.root, pytest.mark.slow]
QUESTION = dns.message.make_query(INSTANCE.domain, "A").to_wire()
RESTLESS = """
import asyncio, sys
from pathlib import Path
from tests.networks import INSTANCE, agent, link, subnet, vpc

async def work(pods, number):
    while True:
        await pods.attach(f"{number}", subnet(0).id)
        print("+", flush=True)
        await pods.detach(f"{number}")
        print("-", flush=True)

async def main():
    first = (INSTANCE, vpc(0), subnet(0), subnet(0, 1), link(0))
    async with agent(Path(sys.argv[1]), *first) as here, asyncio.TaskGroup() as tasks:
        for number in range(4):
            tasks.create_task(work(here.network.pods, number))

asyncio.run(main())
"""


def kill_after(folder: Path, lines: int) -> None:
    """Let an agent attach and detach pods, and kill it when it has said so many lines."""
    command = [sys.executable, "-c", RESTLESS, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(lines):
            assert process.stdout.readline(), "the agent ended by itself"
        process.kill()


@pytest.mark.parametrize("lines", [1, 2, 5, 11, 23])
async def test_the_next_agent_finds_only_whole_pods_with_claims(tmp_path: Path, lines: int) -> None:
    """Namespaces, claims and what is said to stand agree; what stands works; the link works."""
    with swept(tmp_path):
        await asyncio.to_thread(kill_after, tmp_path, lines)
        async with StandInRegistry(tmp_path).serving(), agent(tmp_path) as here:
            standing = dict(here.network.pods.standing())
            claims = Collection(here.store, kind.ADDRESS, Address).list()
            claimed = {one.owner_id: one.ip for one in claims if one.owner is AddressOwner.POD}
            namespaces = network_namespace.names(here.names.pod(""))
            newcomer = await here.pod("newcomer", subnet(0))
            for uid in standing:
                await ask(here.network.pods.namespace_path(uid), RESOLVERS[0], QUESTION)
            seen = await heard(await connect(newcomer, await here.access_ip(), 443))

            async def swept_up() -> bool:
                """Whether the router has the ends of these pods' wires and no others."""
                links = network_namespace.links(here.names.router("vpc-0"))
                return len([each for each in links if each.startswith("p-")]) == len(standing) + 1

            await until(swept_up)

    assert standing == claimed
    assert namespaces == {here.names.pod(uid) for uid in standing}
    assert seen not in standing.values()
