"""Networks for tests: resources, an installation of their own in the kernel, and clients in pods."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from towline.installation.data_directory import DataDirectory
from towline.linux import network_namespace
from towline.linux.ledger import Ledger
from towline.linux.namespace_socket import SocketMaker
from towline.network.name import Names
from towline.registry.descriptors import LineConnection
from towline.resource import kind
from towline.resource.cluster import Cluster
from towline.resource.elastic_ip import ElasticIp, ElasticIpStatus
from towline.resource.instance import Instance, InstanceStatus
from towline.resource.link import Link, LinkStatus
from towline.resource.nat_gateway import NatGateway
from towline.resource.network_interface import NetworkInterface
from towline.resource.private_zone import PrivateZone, ZoneRecord
from towline.resource.public_endpoint import PublicEndpoint
from towline.resource.route_table import RouteTable
from towline.resource.security_group import SecurityGroup
from towline.resource.vpc import Address, Subnet, Vpc
from towline.sandbox.network.naming import Naming
from towline.sandbox.network.serve import Network
from towline.store.collection import Collection
from towline.store.store import Store
from towline.store.write import Create

Resource = (
    Vpc
    | Subnet
    | Link
    | Instance
    | Cluster
    | RouteTable
    | NatGateway
    | ElasticIp
    | NetworkInterface
    | PublicEndpoint
    | PrivateZone
    | ZoneRecord
    | SecurityGroup
)
T = TypeVar("T", bound=Resource)
_KEYS: Mapping[type[Resource], tuple[str, str, str]] = {
    Vpc: (kind.VPC, "", "id"),
    Subnet: (kind.SUBNET, "vpc_id", "id"),
    Link: (kind.LINK, "vpc_id", "instance_id"),
    Instance: (kind.INSTANCE, "", "id"),
    Cluster: (kind.CLUSTER, "", "id"),
    RouteTable: (kind.ROUTE_TABLE, "vpc_id", "id"),
    NatGateway: (kind.NAT_GATEWAY, "vpc_id", "id"),
    ElasticIp: (kind.ELASTIC_IP, "", "id"),
    NetworkInterface: (kind.NETWORK_INTERFACE, "vpc_id", "id"),
    PublicEndpoint: (kind.PUBLIC_ENDPOINT, "", "instance_id"),
    SecurityGroup: (kind.SECURITY_GROUP, "", "id"),
    PrivateZone: (kind.PRIVATE_ZONE, "", "id"),
    ZoneRecord: (kind.ZONE_RECORD, "zone_id", "id"),
}
"""The kind of each sort of record, and the fields that are its scope (empty for none) and its name."""
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


def private_zone(domain: str, *vpcs: Vpc, recursion: bool = True) -> PrivateZone:
    """A private zone that is bound to VPCs."""
    return PrivateZone(
        id=f"zone-{domain}",
        domain=domain,
        vpc_ids=tuple(each.id for each in vpcs),
        recursion=recursion,
        created_at="",
        updated_at="",
    )


def zone_record(of: PrivateZone, subdomain: str, value: str, type_: str = "A") -> ZoneRecord:
    """A record of a private zone."""
    return ZoneRecord(
        id=f"{subdomain}-{value}",
        zone_id=of.id,
        subdomain=subdomain,
        type=type_,
        value=value,
        created_at="",
        updated_at="",
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


async def connect(netns: Path, address: str, port: int, patience: float = 20.0) -> socket.socket:
    """A TCP connection from inside a namespace; raises `TimeoutError` after `patience` seconds."""
    made = SocketMaker(netns).stream(address)
    try:
        async with asyncio.timeout(patience):
            await asyncio.get_running_loop().sock_connect(made, (address, port))
    except BaseException:
        made.close()
        raise
    return made


async def ask(netns: Path, server: str, question: bytes, patience: float = 20.0) -> bytes:
    """The answer of a name server to a datagram from inside a namespace."""
    loop = asyncio.get_running_loop()
    with SocketMaker(netns).datagram(server) as made:
        async with asyncio.timeout(patience):
            await loop.sock_connect(made, (server, 53))
            await loop.sock_sendall(made, question)
            return await loop.sock_recv(made, 65_535)


async def visitor(listening: socket.socket, patience: float = 20.0) -> str:
    """From which address the next connection comes."""
    async with asyncio.timeout(patience):
        accepted, (address, _) = await asyncio.get_running_loop().sock_accept(listening)
    accepted.close()
    return str(address)


async def until(met: Callable[[], Awaitable[bool]], patience: float = 60.0) -> None:
    """Look again and again until it is so; raises `TimeoutError`."""
    async with asyncio.timeout(patience):
        while True:
            if await met():
                return
            await asyncio.sleep(0.005)


class StandInRegistry:
    """Takes doors as the registry does, and tells whoever comes which address it came from."""

    def __init__(self, folder: Path) -> None:
        self._path = DataDirectory(folder).doors_socket
        self._guests: set[asyncio.Task[None]] = set()
        self.doors: dict[str, str] = {}
        """The instances behind the doors that are open, by the doors' ids."""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Take doors for the length of the block, and leave none open behind it."""
        self._path.parent.mkdir(exist_ok=True)
        self._path.unlink(missing_ok=True)
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_UNIX) as listening:
            listening.settimeout(0)
            listening.bind(str(self._path))
            listening.listen()
            async with asyncio.TaskGroup() as tasks:
                accepting = tasks.create_task(self._accept(loop, listening, tasks))
                try:
                    yield
                finally:
                    accepting.cancel()
                    for task in list(self._guests):
                        task.cancel()

    async def _accept(
        self, loop: asyncio.AbstractEventLoop, listening: socket.socket, tasks: asyncio.TaskGroup
    ) -> None:
        while True:
            connection, _ = await loop.sock_accept(listening)
            guest = self._serve(LineConnection(connection))
            self._guests.add(tasks.create_task(guest))

    async def _serve(self, connection: LineConnection) -> None:
        servers = dict[str, asyncio.Server]()
        try:
            while (line := await connection.line()) is not None:
                message = json.loads(line)
                self._forget(servers, message.get("close") or message["id"])
                descriptor = connection.descriptor()
                if descriptor is not None:
                    adopted = socket.socket(fileno=descriptor)
                    servers[message["id"]] = await asyncio.start_server(_tell_peer, sock=adopted)
                    self.doors[message["id"]] = message["instance_id"]
                await connection.send(b'{"ok": true}')
        except ConnectionError:
            pass
        finally:
            connection.close()
            for door_id in list(servers):
                self._forget(servers, door_id)

    def _forget(self, servers: dict[str, asyncio.Server], door_id: str) -> None:
        if door_id in servers:
            servers.pop(door_id).close()
            del self.doors[door_id]


async def _tell_peer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(f"{writer.get_extra_info('peername')[0]}\n".encode())
    writer.close()


async def heard(connection: socket.socket, patience: float = 20.0) -> str:
    """What the other side says before it hangs up."""
    loop, content = asyncio.get_running_loop(), b""
    async with asyncio.timeout(patience):
        while piece := await loop.sock_recv(connection, 65_536):
            content += piece
    connection.close()
    return content.decode().strip()


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent's network over records that the test writes as the cloud would."""

    network: Network
    names: Names
    store: Store

    async def write(self, *values: Resource) -> None:
        """Create records, all in one moment."""
        await self.store.apply([_creation(self.store, value) for value in values])

    async def replace(self, old: T, new: T) -> None:
        """Write what the cloud makes of a record that may have been turned meanwhile."""
        key = _creation(self.store, old).key
        collection = Collection(self.store, key.kind, type(old))
        await collection.update(key.scope, key.name, lambda _: new)

    async def until_is(self, value: T, met: Callable[[T], bool], patience: float = 60) -> T:
        """Wait until a record is so; what it is then."""
        key = _creation(self.store, value).key
        collection = Collection(self.store, key.kind, type(value))
        async with asyncio.timeout(patience):
            async for _ in collection.follow():
                held = collection.get(key.scope, key.name)
                if held is not None and met(held):
                    return held
        raise AssertionError("following never ends")

    async def settled(self) -> None:
        """Wait until the kernel is as everything says that was written so far."""
        last = ElasticIp(
            id=f"eip-{os.urandom(4).hex()}",
            address="",
            status=ElasticIpStatus.UNBINDING,
            created_at="",
        )
        await self.write(last)
        await self.until_is(last, lambda held: held.status is ElasticIpStatus.UNBIND)
        await Collection(self.store, kind.ELASTIC_IP, ElasticIp).delete("", last.id)

    @property
    def links(self) -> Collection[Link]:
        """The links' records."""
        return Collection(self.store, kind.LINK, Link)

    @property
    def addresses(self) -> frozenset[str]:
        """All addresses of subnets that are taken."""
        claims = Collection(self.store, kind.ADDRESS, Address).list()
        return frozenset(claim.ip for claim in claims)

    async def link_until(self, met: Callable[[Sequence[Link]], bool], patience: float = 60) -> None:
        """Wait until the links are so."""
        async with asyncio.timeout(patience):
            async for links in self.links.follow():
                if met(links):
                    return

    async def access_ip(self, vpc_number: int = 0) -> str:
        """The address of the link from a VPC, once it is told of."""
        wanted = f"vpc-{vpc_number}"

        def running(links: Sequence[Link]) -> bool:
            return any(one.status is LinkStatus.RUNNING for one in links if one.vpc_id == wanted)

        await self.link_until(running)
        (found,) = (one for one in self.links.list() if one.vpc_id == wanted)
        return found.access_ip

    async def pod(self, uid: str, of: Subnet) -> Path:
        """A new pod's namespace."""
        await self.network.pods.attach(uid, of.id)
        return self.network.pods.namespace_path(uid)


def _creation(store: Store, value: Resource) -> Create:
    kind_, scope, name = _KEYS[type(value)]
    collection = Collection(store, kind_, type(value))
    return collection.creation(getattr(value, scope) if scope else "", getattr(value, name), value)


@asynccontextmanager
async def agent(folder: Path, *values: Resource, uplink: str = "") -> AsyncIterator[Agent]:
    """An agent's network on a data directory, with these records at first."""
    data = DataDirectory(folder)
    data.create()
    ledger = Ledger.open(data.ledger, data.sandboxes)
    naming = Naming(data.queries, uplink)
    async with Store.open(data.records) as store:
        await store.apply([_creation(store, value) for value in values])
        async with Network(store, ledger, data.doors_socket, naming) as network:
            yield Agent(network, ledger.names, store)


@contextmanager
def swept(folder: Path) -> Iterator[Path]:
    """A data directory for agents, of which nothing is left in the kernel afterwards."""
    data = DataDirectory(folder)
    ledger = Ledger.open(data.ledger, data.sandboxes)
    try:
        yield folder
    finally:
        for name in network_namespace.names(ledger.names.prefix):
            network_namespace.delete(name)
