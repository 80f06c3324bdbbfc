"""Whom a pod asks for names: the resolvers of its VPC, or those that its annotation names instead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import dns.flags
import dns.message
import dns.rdatatype
import dns.rrset
import pytest
from tests.images import busybox_tar, image
from tests.sandboxes import ANYBODY, UID, World, container, identity, output

from towline.kube.annotations import RESOLV_CONF
from towline.linux import network_namespace
from towline.linux.sweep import sweep
from towline.pull.progress import NoProgress
from towline.sandbox.provider import Sandbox

pytestmark = pytest.mark.root
NAME = "registry.example.com"
OWN = "127.0.0.1"


class _Answers(asyncio.DatagramProtocol):
    """A name server that says of every name that it is on this machine, and remembers the names."""

    def __init__(self) -> None:
        self.asked = set[str]()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        question = dns.message.from_wire(data)
        (asked,) = question.question
        self.asked.add(asked.name.to_text(omit_final_dot=True))
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA
        if asked.rdtype == dns.rdatatype.A:
            answer.answer.append(dns.rrset.from_text(asked.name, 1, "IN", "A", OWN))
        self._transport.sendto(answer.to_wire(), addr)


@asynccontextmanager
async def name_server(world: World) -> AsyncIterator[_Answers]:
    """One on the loopback of the pod."""
    made = network_namespace.bind_datagram(world.ledger.names.pod(UID), OWN, 53)
    loop = asyncio.get_running_loop()
    transport, answers = await loop.create_datagram_endpoint(_Answers, sock=made)
    try:
        yield answers
    finally:
        transport.close()


async def test_a_pull_and_its_container_ask_whom_the_annotation_names(tmp_path: Path) -> None:
    """And nobody else: the resolvers of the VPC are not there at all."""
    world = World.below(tmp_path)
    pod = identity(UID, **{RESOLV_CONF: f"nameserver {OWN}\nsearch nowhere\n"})
    made = image(busybox_tar())
    try:
        async with Sandbox(world.network, world.settings) as sandbox:
            await sandbox.open(pod)
            async with name_server(world) as answers, world.registry(UID, made) as registry:
                port = registry.address.rpartition(":")[2]
                pulled = await sandbox.pull(UID, f"{NAME}:{port}/team/app", ANYBODY, NoProgress())
            shown = container(pulled, "cat /etc/resolv.conf")
            await sandbox.start(shown)
            await sandbox.wait(shown.id)
            text = output(sandbox.log(shown.id))
    finally:
        sweep(world.ledger)

    assert answers.asked == {NAME}
    assert [line for line in text.splitlines() if line.startswith("nameserver")] == [
        f"nameserver {OWN}"
    ]


async def test_without_the_annotation_the_resolvers_of_the_vpc_are_asked(tmp_path: Path) -> None:
    """A name server on the pod's own loopback hears nothing."""
    world = World.below(tmp_path)
    made = image(busybox_tar())
    try:
        async with Sandbox(world.network, world.settings) as sandbox:
            await sandbox.open(identity())
            async with name_server(world) as answers, world.registry(UID, made) as registry:
                pulled = await sandbox.pull(
                    UID, f"{registry.address}/team/app", ANYBODY, NoProgress()
                )
            shown = container(pulled, "cat /etc/resolv.conf")
            await sandbox.start(shown)
            await sandbox.wait(shown.id)
            text = output(sandbox.log(shown.id))
    finally:
        sweep(world.ledger)

    assert answers.asked == set()
    assert text.startswith("nameserver 183.60.83.19\n")
