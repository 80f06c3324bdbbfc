"""Networks for tests: resources, an installation of their own in the kernel, and clients in pods."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from towline.linux import network_namespace
from towline.linux.namespace_socket import SocketMaker
from towline.network.name import Names
from towline.resource.cluster import Cluster
from towline.resource.instance import Instance, InstanceStatus
from towline.resource.link import Link
from towline.resource.vpc import Subnet, Vpc

PUBLIC_ADDRESS = "198.18.0.10"
INSTANCE = Instance(
    id="tcr-1",
    name="demo",
    edition="basic",
    domain="demo.tencentcloudcr.com",
    public_address=PUBLIC_ADDRESS,
    status=InstanceStatus.RUNNING,
    created_at="",
)


def vpc(number: int, cidr: str = "10.0.0.0/16") -> Vpc:
    """A VPC; without a word of its own it has the same range as all others."""
    return Vpc(id=f"vpc-{number}", name="", cidr=cidr, created_at="")


def subnet(vpc_number: int, number: int = 0, cidr: str = "") -> Subnet:
    """A subnet of a VPC."""
    return Subnet(
        id=f"subnet-v{vpc_number}n{number}",
        vpc_id=f"vpc-{vpc_number}",
        name="",
        cidr=cidr or f"10.0.{number}.0/24",
        zone="",
        created_at="",
    )


def link(vpc_number: int, access_ip: str = "", *, subnet_number: int = 0) -> Link:
    """A link from a VPC to the instance."""
    return Link(
        instance_id=INSTANCE.id,
        vpc_id=f"vpc-{vpc_number}",
        subnet_id=f"subnet-v{vpc_number}n{subnet_number}",
        access_ip=access_ip,
        created_at="",
    )


def cluster(*subnets: Subnet) -> Cluster:
    """A cluster whose pods are in these subnets."""
    return Cluster(
        id="cls-1",
        name="",
        vpc_id=subnets[0].vpc_id,
        subnet_ids=tuple(each.id for each in subnets),
        created_at="",
    )


@contextmanager
def installation() -> Iterator[Names]:
    """Names that nobody else has; whatever bears them afterwards is removed."""
    names = Names(f"t{os.urandom(3).hex()}")
    try:
        yield names
    finally:
        for name in network_namespace.names(names.prefix):
            network_namespace.delete(name)


async def connect(netns: Path, address: str, port: int, patience: float = 5.0) -> socket.socket:
    """A TCP connection from inside a namespace; raises `TimeoutError` after `patience` seconds."""
    made = SocketMaker(netns).stream(address)
    try:
        async with asyncio.timeout(patience):
            await asyncio.get_running_loop().sock_connect(made, (address, port))
    except BaseException:
        made.close()
        raise
    return made


async def ask(netns: Path, server: str, question: bytes, patience: float = 5.0) -> bytes:
    """The answer of a name server to a datagram from inside a namespace."""
    loop = asyncio.get_running_loop()
    with SocketMaker(netns).datagram(server) as made:
        async with asyncio.timeout(patience):
            await loop.sock_connect(made, (server, 53))
            await loop.sock_sendall(made, question)
            return await loop.sock_recv(made, 65_535)
