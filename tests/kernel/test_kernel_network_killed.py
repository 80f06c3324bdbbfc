"""An agent that is killed at every step: whichever comes after makes the kernel what was planned."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.egress import WHOLE
from tests.networks import (
    INSTANCE,
    Agent,
    StandInRegistry,
    agent,
    connect,
    heard,
    link,
    subnet,
    swept,
    vpc,
)
from tests.unit.network.models import nat_gateway

from towline.installation.data_directory import DataDirectory
from towline.linux import network_namespace
from towline.linux.network_seen import look
from towline.network.layout import layout
from towline.network.plan import Change, plan
from towline.resource import kind
from towline.resource.nat_gateway import NatGateway
from towline.resource.vpc import Subnet, Vpc
from towline.sandbox.network.records import Records
from towline.store.collection import Collection
from towline.store.store import Store

pytestmark = [pytest.mark.root, pytest.mark.slow]
MOST_LIVES = 80
# Each life is a process of its own that goes on where the one before was killed.
LIVES = f"""
import asyncio, os, sys
from pathlib import Path
from tests.networks import agent, subnet

async def live():
    async with agent(Path(sys.argv[1])) as here:
        await here.pod("uid-1", subnet(0))
        await here.settled()

for life in range({MOST_LIVES}):
    Path(sys.argv[2]).write_text(str(life // 2))
    process = os.fork()
    if process == 0:
        asyncio.run(live())
        os._exit(0)
    if os.waitpid(process, 0)[1] == 0:
        print(life)
        sys.exit()
"""
DEADLY = """#!/bin/sh
# Kills who asks for a change when there have been so many; what was asked for may still be done.
case "$*" in *-json*|*list*) exec {program} "$@";; esac
left=$(cat {counter})
[ "$left" -gt 0 ] || kill -9 $PPID
echo $((left - 1)) > {counter}
exec {program} "$@"
"""


def lives(folder: Path) -> int:
    """Let agents be killed, each a little later than the one before, until one has nothing to do."""
    programs, counter = folder / "programs", folder / "counter"
    programs.mkdir(exist_ok=True)
    for name in ("ip", "tc", "nft"):
        program = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
        (programs / name).write_text(DEADLY.format(program=program, counter=counter))
        (programs / name).chmod(0o755)
    environment = {
        "PATH": f"{programs}:/usr/sbin:/usr/bin:/sbin:/bin",
        "PYTHONPATH": ":".join(sys.path),
    }
    command = [sys.executable, "-c", LIVES, str(folder), str(counter)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip(), (
        f"none of {MOST_LIVES} agents came to its end:\n{done.stderr[-3000:]}"
    )
    return int(done.stdout)


async def missing(here: Agent) -> tuple[Change, ...]:
    """What of the network is not as the records say."""
    wanted = layout(here.names, Records(here.store).model())
    standing = network_namespace.names(here.names.prefix) - {here.names.pod("uid-1")}
    return plan(wanted, await look(standing | wanted.namespaces.keys()), scope=standing)


async def test_agents_that_are_killed_at_every_step_get_there(tmp_path: Path) -> None:
    """To a network of everything, and back to one without a way out; nothing is left over."""
    gateway = nat_gateway(0, 0, 0)
    whole = replace(WHOLE, gateways=(gateway,)).records
    with swept(tmp_path) as folder:
        async with agent(folder, INSTANCE, vpc(0), vpc(1), subnet(1), link(0), *whole) as here:
            prefix = here.names.prefix
        for name in network_namespace.names(prefix):
            network_namespace.delete(name)
        assert lives(folder) > 3
        await assert_whole(folder)

        async with Store.open(DataDirectory(folder).records) as store:
            await Collection(store, kind.NAT_GATEWAY, NatGateway).delete("vpc-0", gateway.id)
            await Collection(store, kind.VPC, Vpc).delete("", "vpc-1")
            await Collection(store, kind.SUBNET, Subnet).delete("vpc-1", subnet(1).id)
        assert lives(folder) > 1
        await assert_whole(folder)


async def assert_whole(folder: Path) -> None:
    """An agent that lives finds nothing that is missing, or too much."""
    async with StandInRegistry(folder).serving(), agent(folder) as here:
        pod = await here.pod("uid-1", subnet(0))
        await heard(await connect(pod, await here.access_ip(), 443))
        await here.settled()

        assert await missing(here) == ()
