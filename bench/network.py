"""What the network costs: a pod's way to a registry beside a plain wire in the same run.

    sudo .venv/bin/python bench/network.py

`wire` are two namespaces with nothing but a veth pair between them, as `ip` makes it; `large wire`
the same with packets as large as Towline's own links take (see `linux/large_packets`). `link` ends at
an access address in the pod's VPC; `nat` goes through a NAT gateway without a limit to an open public
endpoint, and `nat, 1,000 CIDRs` the same with that many entries on the allowlist. iperf3 (Debian)
measures what arrives in the pod, all in turns; the median of the rounds counts. What a second of
processor time carries (of both ends, and the kernel between them) is told beside it. Then pods are
attached by the agent's own network, all at once. What is bounded ends with its bound.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from towline.installation.data_directory import DataDirectory
from towline.linux import large_packets, network_namespace
from towline.linux.command import ip_batch
from towline.linux.ledger import Ledger
from towline.linux.network_apply import apply
from towline.linux.network_seen import look
from towline.network.layout import layout, pod_topology
from towline.network.model import NetworkModel
from towline.network.name import Names
from towline.network.plan import plan
from towline.resource import kind
from towline.resource.elastic_ip import ElasticIp, ElasticIpStatus
from towline.resource.instance import Instance
from towline.resource.link import Link
from towline.resource.nat_gateway import NatGateway
from towline.resource.public_endpoint import AccessRule, EndpointStatus, PublicEndpoint
from towline.resource.route_table import GatewayType, Route, RouteTable
from towline.resource.vpc import Subnet, Vpc
from towline.sandbox.network.naming import Naming
from towline.sandbox.network.serve import Network
from towline.store.collection import Collection
from towline.store.store import Store

SECONDS, ROUNDS, PODS, MANY = 1.0, 7, 100, 1_000
LEAST_SHARE, MOST_COST, MOST_SECONDS = 0.9, 0.05, 10
EIP, PUBLIC, ACCESS, POD = "198.19.0.10", "198.18.0.10", "10.0.0.7", "10.0.0.20"
VPC = Vpc(id="vpc-bench", name="", cidr="10.0.0.0/16", created_at="")
SUBNET = Subnet(
    id="subnet-bench", vpc_id=VPC.id, name="", cidr="10.0.0.0/24", zone="", created_at=""
)
OUT = Route(
    id=1,
    destination="0.0.0.0/0",
    gateway_type=GatewayType.NAT,
    gateway_id="nat-bench",
    created_at="",
)
MODEL = NetworkModel(
    vpcs=(VPC,),
    subnets=(SUBNET,),
    route_tables=(
        RouteTable(id="rtb-bench", vpc_id=VPC.id, name="", main=True, routes=(OUT,), created_at=""),
    ),
    nat_gateways=(
        NatGateway(
            id="nat-bench",
            vpc_id=VPC.id,
            name="",
            elastic_ip_ids=("eip-bench",),
            bandwidth=0,
            created_at="",
        ),
    ),
    elastic_ips=(
        ElasticIp(
            id="eip-bench",
            address=EIP,
            status=ElasticIpStatus.BIND,
            bound_to="nat-bench",
            created_at="",
        ),
    ),
    links=(
        Link(
            instance_id="tcr-bench",
            vpc_id=VPC.id,
            subnet_id=SUBNET.id,
            access_ip=ACCESS,
            created_at="",
        ),
    ),
    instances=(
        Instance(
            id="tcr-bench",
            name="demo",
            edition="basic",
            domain="demo.tencentcloudcr.com",
            public_address=PUBLIC,
            created_at="",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Way:
    """From one namespace to an address in another."""

    name: str
    client: str
    server: str
    address: str
    allowed: tuple[str, ...] = (f"{EIP}/32",)


def many() -> tuple[str, ...]:
    """Allowlist entries of which none joins another; the right one is the last."""
    return (
        *(f"203.{number // 128}.{number % 128 * 2}.0/24" for number in range(MANY - 1)),
        f"{EIP}/32",
    )


def ways(names: Names) -> list[Way]:
    """All that are compared."""
    pod, router = names.pod("bench"), names.router(VPC.id)
    return [
        Way("wire", f"{names.prefix}one", f"{names.prefix}two", "192.0.2.2"),
        Way("large wire", f"{names.prefix}three", f"{names.prefix}four", "192.0.2.2"),
        Way("link", pod, router, ACCESS),
        Way("nat", pod, names.internet, PUBLIC),
        Way(f"nat, {MANY:,} CIDRs", pod, names.internet, PUBLIC, many()),
    ]


async def shape(names: Names, allowed: tuple[str, ...]) -> None:
    """Have the network with this allowlist."""
    rules = tuple(AccessRule(cidr=cidr) for cidr in allowed)
    endpoint = PublicEndpoint(instance_id="tcr-bench", status=EndpointStatus.OPENED, rules=rules)
    wanted = layout(names, replace(MODEL, public_endpoints=(endpoint,)))
    await apply(plan(wanted, await look(wanted.namespaces.keys())))


async def wire(near: str, far: str, largest: int) -> None:
    """A plain wire between two new namespaces."""
    for name in (near, far):
        network_namespace.create(name)
    await ip_batch(near, [f"link add w up type veth peer name w netns {far}"])
    await ip_batch(near, ["address add 192.0.2.1/24 dev w"])
    await ip_batch(far, ["link set w up", "address add 192.0.2.2/24 dev w"])
    for name in (near, far):
        large_packets.take(name, ["w"], largest)


async def build(names: Names) -> None:
    """The plain wires, the network and a pod."""
    await wire(f"{names.prefix}one", f"{names.prefix}two", large_packets.USUAL)
    await wire(f"{names.prefix}three", f"{names.prefix}four", large_packets.LARGE)
    await shape(names, ())
    await apply(plan(pod_topology(names, "bench", SUBNET, POD), {}))


def inside(namespace: str, *command: str) -> list[str]:
    """A command in a namespace."""
    return ["nsenter", f"--net={network_namespace.path_of(namespace)}", *command]


@contextmanager
def serving(way: Way) -> Iterator[None]:
    """iperf3 at the far end, where a registry's door would be."""
    command = inside(way.server, "iperf3", "-s", "-1", "-B", way.address, "-p", "443")
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            yield
        finally:
            server.kill()


@dataclass(frozen=True, slots=True)
class Flow:
    """One measurement."""

    rate: float
    """Gbit/s that arrived at the near end."""
    per_processor: float
    """Gbit for each second of processor time."""


def flow(way: Way) -> Flow:
    """What arrives at the near end."""
    with serving(way):
        command = ["iperf3", "-c", way.address, "-p", "443", "-t", str(SECONDS), "-R", "-J"]
        deadline = time.monotonic() + 5
        while True:
            done = subprocess.run(inside(way.client, *command), capture_output=True, check=False)
            report = json.loads(done.stdout)
            if "error" not in report:
                rate = float(report["end"]["sum_received"]["bits_per_second"]) / 1e9
                spent = report["end"]["cpu_utilization_percent"]
                return Flow(rate, 100 * rate / (spent["host_total"] + spent["remote_total"]))
            if time.monotonic() > deadline:
                raise RuntimeError(f"{way.name}: {report['error']}")
            time.sleep(0.05)


async def compare(names: Names) -> None:
    """All ways in turns."""
    await build(names)
    found = {way.name: list[Flow]() for way in ways(names)}
    for _ in range(ROUNDS):
        for way in ways(names):
            await shape(names, way.allowed)
            found[way.name].append(flow(way))
    rates = {name: statistics.median(one.rate for one in flows) for name, flows in found.items()}
    carried = {
        name: statistics.median(one.per_processor for one in flows) for name, flows in found.items()
    }
    print(f"{'way':<18}{'Gbit/s':>8}{'of wire':>9}{'Gbit/CPU-s':>13}{'of wire':>9}")
    for name, rate in rates.items():
        share, lasting = rate / rates["wire"], carried[name] / carried["wire"]
        print(f"{name:<18}{rate:>8.1f}{share:>9.2f}{carried[name]:>13.1f}{lasting:>9.2f}")
    few, more = "nat", f"nat, {MANY:,} CIDRs"
    cost, spent = 1 - rates[more] / rates[few], 1 - carried[more] / carried[few]
    print(
        f"{MANY:,} CIDRs cost {cost:.1%} of the throughput, {spent:.1%} by processor time", end=""
    )
    print(f" (bound: {MOST_COST:.0%})")
    for name in ("link", "nat"):
        print(f"{name} carries {rates[name] / rates['wire']:.2f} of a wire (bound: {LEAST_SHARE})")


async def attach(folder: Path) -> None:
    """Pods at once, by the agent's own network."""
    data = DataDirectory(folder)
    data.create()
    ledger = Ledger.open(data.ledger, data.sandboxes)
    try:
        async with Store.open(data.records) as store:
            await Collection(store, kind.VPC, Vpc).create("", VPC.id, VPC)
            await Collection(store, kind.SUBNET, Subnet).create(VPC.id, SUBNET.id, SUBNET)
            async with Network(store, ledger, data.doors_socket, Naming(data.queries)) as network:
                begun = time.perf_counter()
                async with asyncio.TaskGroup() as tasks:
                    for number in range(PODS):
                        tasks.create_task(network.pods.attach(f"uid-{number}", SUBNET.id))
                took = time.perf_counter() - begun
                print(f"{PODS} pods attached in {took:.1f} s (bound: {MOST_SECONDS} s)")
    finally:
        clear(ledger.names)


def clear(names: Names) -> None:
    """Remove all namespaces of an installation."""
    for name in network_namespace.names(names.prefix):
        network_namespace.delete(name)


async def run() -> None:
    """Both measurements."""
    names = Names(f"b{os.urandom(3).hex()}")
    try:
        await compare(names)
    finally:
        clear(names)
    with tempfile.TemporaryDirectory() as folder:
        await attach(Path(folder))


if __name__ == "__main__":
    asyncio.run(run())
