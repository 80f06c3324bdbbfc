"""Plans of the network in the real kernel: what was planned is what is seen afterwards, and what was
cut off is taken up.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.networks import INSTANCE, connect, installation, link, subnet, vpc
from tests.unit.network.models import elastic_ip, interface, nat_gateway, route, route_table

from towline.linux import network_namespace
from towline.linux.command import CommandFailed, ip_batch, nft_tables
from towline.linux.network_apply import apply
from towline.linux.network_seen import look
from towline.network.layout import layout, pod_topology
from towline.network.model import NetworkModel
from towline.network.name import Names
from towline.network.plan import Change, plan
from towline.network.topology import Topology
from towline.resource.public_endpoint import AccessRule, EndpointStatus, PublicEndpoint
from towline.resource.route_table import GatewayType

pytestmark = pytest.mark.root
SMALL = NetworkModel(vpcs=(vpc(0),), subnets=(subnet(0),))
OWN = interface(subnet(0), 0)
OUT = route("0.0.0.0/0", GatewayType.NAT, "nat-v0n0")
LARGE = NetworkModel(
    vpcs=(vpc(0), vpc(1)),
    subnets=(subnet(0), subnet(0, 1), subnet(1)),
    links=(link(0, "10.0.0.7"),),
    route_tables=(
        route_table(0, 0, OUT, route("198.18.0.0/16", GatewayType.EIP, "0")),
        route_table(0, 1, route("203.0.113.0/24", GatewayType.NORMAL_CVM, "10.0.1.9")),
        route_table(1, 0, route("0.0.0.0/0", GatewayType.NAT, "nat-gone")),
    ),
    nat_gateways=(nat_gateway(0, 0, 0, 1),),
    elastic_ips=(
        elastic_ip(0, "nat-v0n0"),
        elastic_ip(1, "nat-v0n0"),
        elastic_ip(2, OWN.id, OWN.private_ip),
    ),
    interfaces=(OWN,),
    instances=(INSTANCE,),
    public_endpoints=(
        PublicEndpoint(
            instance_id=INSTANCE.id,
            status=EndpointStatus.OPENED,
            rules=(AccessRule(cidr="198.19.0.0/16"), AccessRule(cidr="0.0.0.0/0")),
        ),
    ),
)
CHANGED = NetworkModel(
    vpcs=(vpc(1),),
    subnets=(subnet(1, 1),),
    links=(link(1, "10.0.1.9", subnet_number=1),),
    route_tables=(route_table(1, 0, route("0.0.0.0/0", GatewayType.NAT, "nat-v1n0")),),
    nat_gateways=(nat_gateway(1, 0, 0),),
    elastic_ips=(elastic_ip(0, "nat-v1n0"),),
    instances=(INSTANCE,),
)
HISTORY = [SMALL, LARGE, CHANGED, SMALL]
POD = ("uid-1", subnet(0), "10.0.0.5")
BROKEN_IP = """#!/bin/sh
# Passes on what it reads until the file beside it, which counts, is empty; then it fails.
case "$*" in *-json*) exec {ip} "$@";; esac
{ip} "$1" "$2" -batch - <<LINES
$(while read -r line && [ -s {counter} ]; do
    echo "$line"
    truncate -s -1 {counter}
done)
LINES
[ -s {counter} ]
"""


@pytest.fixture
def names() -> Iterator[Names]:
    """An installation of this test alone."""
    with installation() as made:
        yield made


async def missing(names: Names, wanted: Topology) -> tuple[Change, ...]:
    """What of a topology is not as it should be."""
    standing = network_namespace.names(names.prefix)
    scope = frozenset(name for name in standing if "-pod-" not in name)
    return plan(wanted, await look(standing), scope=scope)


def host() -> tuple[str, ...]:
    """The machine's own links, routes, lookups and rules, and whether it passes packets on."""
    links = Path("/proc/net/dev").read_text().splitlines()[2:]
    forwarding = Path("/proc/sys/net/ipv4/ip_forward").read_text()
    shown = [
        subprocess.run(command.split(), capture_output=True, check=True, text=True).stdout
        for command in ("ip route show table all", "ip rule", "nft list ruleset")
    ]
    return (*sorted(line.partition(":")[0] for line in links), forwarding, *shown)


async def test_after_a_plan_there_is_nothing_left_to_plan(names: Names) -> None:
    """From every network to the next."""
    for network in HISTORY:
        wanted = layout(names, network)
        await apply(await missing(names, wanted))

        assert await missing(names, wanted) == ()
        assert network_namespace.names(names.prefix) == wanted.namespaces.keys()


async def test_a_plan_that_was_cut_off_after_any_change_is_taken_up(names: Names) -> None:
    """As if the agent had been killed there."""
    before, wanted = layout(names, CHANGED), layout(names, LARGE)
    await apply(await missing(names, before))
    whole = await missing(names, wanted)
    for done in range(1, len(whole)):
        await apply((await missing(names, wanted))[:done])
        await apply(await missing(names, wanted))
        assert await missing(names, wanted) == ()
        await apply(await missing(names, before))

    assert await missing(names, before) == ()
    assert len(whole) > 10


async def test_a_pods_wire_survives_changes_around_it(names: Names) -> None:
    """Its namespace is no business of the VPCs' plans."""
    await apply(await missing(names, layout(names, SMALL)))
    await apply(plan(pod_topology(names, *POD), {}))
    for network in (LARGE, SMALL):
        await apply(await missing(names, layout(names, network)))
    seen = await look([names.router("vpc-0"), names.pod("uid-1")])

    assert plan(pod_topology(names, *POD), seen) == ()


@pytest.mark.parametrize("lines", range(1, 18, 2))
async def test_a_batch_that_breaks_off_is_taken_up(
    names: Names, lines: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in the middle of one change, such as between making a wire and switching it on."""
    counter = tmp_path / "counter"
    counter.write_text("x" * lines)
    shim = tmp_path / "ip"
    shim.write_text(BROKEN_IP.format(ip="/sbin/ip", counter=counter))
    shim.chmod(0o755)
    wanted = layout(names, SMALL)
    pod = pod_topology(names, *POD)
    with monkeypatch.context() as patched:
        patched.setenv("PATH", f"{tmp_path}:/usr/sbin:/usr/bin:/sbin:/bin")
        with pytest.raises(CommandFailed):
            await apply(await missing(names, wanted))
            await apply(plan(pod, {}))
    await apply(await missing(names, wanted))
    await apply(plan(pod, await look([names.router("vpc-0"), names.pod("uid-1")])))
    with pytest.raises(ConnectionRefusedError):
        (await connect(network_namespace.path_of(names.pod("uid-1")), "10.0.0.1", 9)).close()

    assert await missing(names, wanted) == ()


async def test_what_others_broke_is_mended(names: Names) -> None:
    """Links switched off, addresses and rules taken away, a bridge removed."""
    wanted = layout(names, SMALL)
    await apply(await missing(names, wanted))
    router = names.router("vpc-0")
    (table,) = await nft_tables(router)
    await ip_batch(
        router,
        ["link set dc down", "link delete b-v0n0", "address delete 183.60.83.19/32 dev lo"],
    )
    await apply(await missing(names, wanted))

    assert await missing(names, wanted) == ()
    assert await nft_tables(router) == {table}


async def test_nothing_outside_the_installations_namespaces_is_touched(names: Names) -> None:
    """The host's own links are as they were."""
    before = host()
    await apply(await missing(names, layout(names, LARGE)))
    await apply(await missing(names, Topology()))

    assert network_namespace.names(names.prefix) == frozenset()
    assert host() == before
