"""The uplink: off unless asked for, and the host is afterwards what it was before.

The host is played by a namespace: whoever lays the wire runs inside it.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.networks import connect, installation, subnet, visitor, vpc
from tests.unit.network.models import elastic_ip, nat_gateway, route, route_table

from towline.linux import network_namespace
from towline.linux.command import ip_batch
from towline.linux.network_apply import apply
from towline.linux.network_seen import look
from towline.network.layout import layout, pod_topology
from towline.network.model import NetworkModel
from towline.network.name import Names
from towline.network.plan import plan
from towline.resource.route_table import GatewayType

pytestmark = pytest.mark.root
OUTSIDE = "192.0.2.9"
MODEL = NetworkModel(
    vpcs=(vpc(0),),
    subnets=(subnet(0),),
    route_tables=(route_table(0, 0, route("0.0.0.0/0", GatewayType.NAT, "nat-v0n0")),),
    nat_gateways=(nat_gateway(0, 0, 0),),
    elastic_ips=(elastic_ip(0, "nat-v0n0"),),
)
SCRIPT = """
import sys
from pathlib import Path
from towline.linux import host_wire
from towline.network.name import Names
host_wire.NOTE = Path(sys.argv[2])
for method in sys.argv[3:]:
    getattr(host_wire.HostWire(Names(sys.argv[1])), method)()
"""


@dataclass(frozen=True, slots=True)
class Host:
    """A namespace that plays the host."""

    namespace: str
    note: Path
    """Where it is written down whether it passed packets on; another place than the machine's."""

    def shown(self, *command: str) -> str:
        """What a program says in it."""
        inside = ["nsenter", f"--net={network_namespace.path_of(self.namespace)}", *command]
        return subprocess.run(inside, capture_output=True, check=True, text=True).stdout

    def uplink(self, names: Names, *methods: str) -> None:
        """Call methods of an installation's wire."""
        self.shown(sys.executable, "-c", SCRIPT, names.installation, str(self.note), *methods)

    def state(self) -> tuple[str, ...]:
        """Links, addresses, routes, rules, and whether it passes packets on."""
        commands = ("ip -br link", "ip -br address", "ip route", "ip rule", "nft list ruleset")
        forwarding = self.shown("cat", "/proc/sys/net/ipv4/ip_forward")
        return (*(self.shown(*command.split()) for command in commands), forwarding)


@pytest.fixture
def names() -> Iterator[Names]:
    """An installation of this test alone."""
    with installation() as made:
        yield made


@pytest.fixture
def host(names: Names, tmp_path: Path) -> Host:
    """A host that does not pass packets on."""
    made = Host(f"{names.prefix}host", tmp_path / "note")
    network_namespace.create(made.namespace)
    made.shown("sh", "-c", "echo 0 > /proc/sys/net/ipv4/ip_forward")
    return made


async def built(names: Names, host: Host) -> Path:
    """A network with a way out and a pod in it, and a host that knows somebody outside."""
    outside = f"{names.prefix}outside"
    network_namespace.create(outside)
    wanted = layout(names, MODEL)
    await apply(plan(wanted, await look(wanted.namespaces.keys())))
    await apply(plan(pod_topology(names, "uid-1", subnet(0), "10.0.0.5"), {}))
    wire = f"link add up type veth peer name out netns {outside}"
    await ip_batch(host.namespace, [wire, "address add 192.0.2.1/24 dev veth0"])
    await ip_batch(outside, ["link set out up", f"address add {OUTSIDE}/24 dev out"])
    return network_namespace.path_of(names.pod("uid-1"))


async def test_an_uplink_leads_to_where_the_host_leads(names: Names, host: Host) -> None:
    """Who is out there sees the host and nobody behind it."""
    pod = await built(names, host)
    with network_namespace.listen(f"{names.prefix}outside", OUTSIDE, 80) as listening:
        with pytest.raises(TimeoutError):
            await connect(pod, OUTSIDE, 80, 0.7)
        await asyncio.to_thread(host.uplink, names, "lay")
        (await connect(pod, OUTSIDE, 80)).close()
        came = await visitor(listening)

    assert came == "192.0.2.1"


async def test_without_the_uplink_the_host_is_what_it_was(names: Names, host: Host) -> None:
    """Laying it twice is the same as once; so is removing it."""
    await built(names, host)
    before = host.state()
    await asyncio.to_thread(host.uplink, names, "lay", "lay")
    during = host.state()
    await asyncio.to_thread(host.uplink, names, "remove", "remove")

    assert during != before
    assert host.state() == before
    assert not host.note.exists()


async def test_the_last_installation_sets_forwarding_back(names: Names, host: Host) -> None:
    """One that goes does not cut off another."""
    await built(names, host)
    with installation() as other:
        network_namespace.create(other.internet)
        before = host.state()
        await asyncio.to_thread(host.uplink, names, "lay")
        await asyncio.to_thread(host.uplink, other, "lay")
        await asyncio.to_thread(host.uplink, names, "remove")
        meanwhile = host.state()
        await asyncio.to_thread(host.uplink, other, "remove")

    assert meanwhile[-1] == "1\n"
    assert host.state() == before


async def test_an_uplink_that_was_half_made_is_made_anew(names: Names, host: Host) -> None:
    """The process that laid it was killed, or somebody removed the internet."""
    pod = await built(names, host)
    await asyncio.to_thread(host.uplink, names, "lay")
    host.shown("nft", "delete", "table", "inet", f"towline-uplink-{names.installation}")
    await asyncio.to_thread(host.uplink, names, "lay")
    with network_namespace.listen(f"{names.prefix}outside", OUTSIDE, 80):
        (await connect(pod, OUTSIDE, 80)).close()
