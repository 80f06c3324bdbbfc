"""Planning a network: from anything that may stand, the plan leads to what is wanted, and is then
empty.

The kernel is played by `Kernel`, a model that refuses what the real one refuses: links that exist,
addresses and routes on links that do not, two routes of one table to one destination.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.network.models import networks, subnet

from towline.network.layout import layout, pod_topology
from towline.network.model import NetworkModel
from towline.network.name import Names, bridge, port, trunk
from towline.network.plan import (
    AddAddress,
    AddLookup,
    AddRoute,
    Change,
    CreateBridge,
    CreateNamespace,
    CreateWire,
    DeleteLink,
    DeleteNamespace,
    Forward,
    PlugIn,
    RemoveAddress,
    RemoveLookup,
    RemoveRoute,
    SetTable,
    plan,
    plug_in,
)
from towline.network.topology import End, LinkAddress, Lookup, Route, Seen, SeenNamespace
from towline.resource.vpc import Vpc

NAMES = Names("test")


@dataclass
class Space:
    """One namespace of the model."""

    links: dict[str, str] = field(default_factory=lambda: {"lo": ""})
    addresses: set[LinkAddress] = field(default_factory=set)
    routes: set[Route] = field(default_factory=set)
    lookups: set[Lookup] = field(default_factory=set)
    forwards: bool = False
    tables: set[str] = field(default_factory=set)
    down: set[str] = field(default_factory=set)

    def lose(self, link: str) -> None:
        """What goes with a link."""
        del self.links[link]
        self.down.discard(link)
        self.links |= {each: "" for each, plugged in self.links.items() if plugged == link}
        self.addresses = {each for each in self.addresses if each.link != link}
        self.routes = {each for each in self.routes if each.link != link}


@dataclass
class Kernel:
    """Namespaces, and which links are two ends of one wire."""

    spaces: dict[str, Space] = field(default_factory=dict)
    other_end: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    def seen(self) -> Seen:
        """As the real kernel would be seen."""
        return {
            name: SeenNamespace(
                dict(space.links),
                frozenset(space.addresses),
                frozenset(space.routes),
                space.forwards,
                frozenset(space.tables),
                frozenset(space.down),
                frozenset(space.lookups),
            )
            for name, space in self.spaces.items()
        }

    def apply(self, changes: Sequence[Change]) -> None:
        """Make changes, each of which must be possible."""
        for change in changes:
            self._make(change)

    def _make(self, change: Change) -> None:
        match change:
            case CreateNamespace(name):
                assert name not in self.spaces
                self.spaces[name] = Space()
            case DeleteNamespace(name):
                for link in list(self.spaces[name].links):
                    self._delete(name, link)
                del self.spaces[name]
            case Forward(namespace):
                self.spaces[namespace].forwards = True
            case SetTable():
                space = self.spaces[change.namespace]
                space.tables = space.tables - change.stale | ({change.table} - {""})
            case CreateWire() | PlugIn() | DeleteLink() | CreateBridge():
                self._on_links(change)
            case _:
                self._inside(self.spaces[change.namespace], change)

    def _on_links(self, change: CreateWire | PlugIn | DeleteLink | CreateBridge) -> None:
        match change:
            case CreateWire(wire):
                for end in (wire.near, wire.far):
                    self._add_link(end.namespace, end.link, end.bridge)
                near, far = _place(wire.near), _place(wire.far)
                self.other_end |= {near: far, far: near}
            case PlugIn(end):
                assert not end.bridge or end.bridge in self.spaces[end.namespace].links
                self.spaces[end.namespace].links[end.link] = end.bridge
                self.spaces[end.namespace].down.discard(end.link)
            case DeleteLink(namespace, name):
                assert name in self.spaces[namespace].links
                self._delete(namespace, name)
            case CreateBridge(namespace, name):
                self._add_link(namespace, name, "")
            case _:
                assert_never(change)

    def _inside(
        self,
        space: Space,
        change: AddAddress | RemoveAddress | AddRoute | RemoveRoute | AddLookup | RemoveLookup,
    ) -> None:
        match change:
            case AddAddress(_, address):
                assert address.link in space.links
                assert address not in space.addresses
                space.addresses.add(address)
            case RemoveAddress(_, address):
                space.addresses.remove(address)
            case AddRoute(_, route):
                assert not route.link or route.link in space.links
                assert not route.via or route.link
                taken = {(each.table, each.destination) for each in space.routes}
                assert (route.table, route.destination) not in taken
                space.routes.add(route)
            case RemoveRoute(_, route):
                space.routes.remove(route)
            case AddLookup(_, lookup):
                assert lookup not in space.lookups
                space.lookups.add(lookup)
            case RemoveLookup(_, lookup):
                space.lookups.remove(lookup)
            case _:
                assert_never(change)

    def _add_link(self, namespace: str, name: str, plugged: str) -> None:
        links = self.spaces[namespace].links
        assert name not in links
        assert len(name) <= 15
        assert not plugged or plugged in links
        links[name] = plugged

    def _delete(self, namespace: str, link: str) -> None:
        self.spaces[namespace].lose(link)
        other = self.other_end.pop((namespace, link), None)
        if other is not None:
            self.other_end.pop(other, None)
            self.spaces[other[0]].lose(other[1])


def _place(end: End) -> tuple[str, str]:
    return end.namespace, end.link


def reach(kernel: Kernel, network: NetworkModel) -> None:
    """Plan, apply, and see that nothing is left to do."""
    wanted = layout(NAMES, network)
    scope = frozenset(name for name in kernel.spaces if "-pod-" not in name)
    kernel.apply(plan(wanted, kernel.seen(), scope=scope))

    assert plan(wanted, kernel.seen(), scope=scope) == ()
    standing = {name for name in kernel.spaces if "-pod-" not in name}
    assert standing == wanted.namespaces.keys()


@given(history=st.lists(networks(), min_size=1, max_size=4))
def test_every_network_can_follow_every_other(history: list[NetworkModel]) -> None:
    """After each plan there is nothing left to plan, and no step was impossible."""
    kernel = Kernel()
    for network in history:
        reach(kernel, network)


@given(before=networks(), after=networks(), data=st.data())
def test_a_plan_cut_off_anywhere_is_taken_up_by_the_next(
    before: NetworkModel, after: NetworkModel, data: st.DataObject
) -> None:
    """The agent may be killed between any two changes."""
    kernel = Kernel()
    for network in (before, after):
        changes = plan(layout(NAMES, network), kernel.seen(), scope=frozenset(kernel.spaces))
        kernel.apply(changes[: data.draw(st.integers(0, len(changes)))])

    reach(kernel, after)


@given(networks=st.lists(networks(), min_size=2, max_size=3))
def test_pods_stay_plugged_in_while_the_network_around_them_changes(
    networks: list[NetworkModel],
) -> None:
    """Their ports and namespaces are no business of the VPCs' plan."""
    kernel = Kernel()
    home = subnet(0, 0)
    vpc = Vpc(id="vpc-0", name="", cidr="10.0.0.0/16", created_at="")
    around = [
        replace(
            network,
            vpcs=tuple({each.id: each for each in (*network.vpcs, vpc)}.values()),
            subnets=tuple({each.id: each for each in (*network.subnets, home)}.values()),
        )
        for network in networks
    ]
    reach(kernel, around[0])
    pod = pod_topology(NAMES, "uid-1", home, "10.0.0.9")
    kernel.apply(plan(pod, kernel.seen()))
    for network in around[1:]:
        reach(kernel, network)

    assert plan(pod, kernel.seen()) == ()


def test_a_pod_that_was_half_made_is_completed() -> None:
    """Its namespace stands, its wire does not."""
    kernel = Kernel()
    vpc = Vpc(id="vpc-0", name="", cidr="10.0.0.0/16", created_at="")
    reach(kernel, NetworkModel(vpcs=(vpc,), subnets=(subnet(0, 0),)))
    pod = pod_topology(NAMES, "uid-1", subnet(0, 0), "10.0.0.9")
    changes = plan(pod, kernel.seen())

    for done in range(len(changes)):
        cut = Kernel()
        reach(cut, NetworkModel(vpcs=(vpc,), subnets=(subnet(0, 0),)))
        cut.apply(changes[:done])
        cut.apply(plan(pod, cut.seen()))
        assert plan(pod, cut.seen()) == ()


def test_links_that_were_switched_off_are_switched_on_again() -> None:
    """Wires are made switched off, and the agent may be killed before it has switched them on."""
    kernel = Kernel()
    vpc = Vpc(id="vpc-0", name="", cidr="10.0.0.0/16", created_at="")
    network = NetworkModel(vpcs=(vpc,), subnets=(subnet(0, 0),))
    reach(kernel, network)
    off = {"idc": {"routers", "r-0"}, "vpc-0": {"b-v0n0", "dc"}}
    for name, links in off.items():
        space = kernel.spaces[f"{NAMES.prefix}{name}"]
        assert links <= space.links.keys()
        space.down |= links

    reach(kernel, network)
    assert not any(space.down for space in kernel.spaces.values())


def test_pods_are_plugged_into_a_bridge_that_was_made_anew() -> None:
    """Their namespaces are no business of the VPCs' plan, but the routers' ends of their wires are."""
    kernel = Kernel()
    vpc = Vpc(id="vpc-0", name="", cidr="10.0.0.0/16", created_at="")
    network = NetworkModel(vpcs=(vpc,), subnets=(subnet(0, 0),))
    reach(kernel, network)
    kernel.apply(plan(pod_topology(NAMES, "uid-1", subnet(0, 0), "10.0.0.9"), kernel.seen()))
    ends = [
        End(NAMES.router("vpc-0"), port(uid), bridge(subnet(0, 0).id)) for uid in ("uid-1", "gone")
    ]
    kernel.spaces[NAMES.router("vpc-0")].lose(bridge(subnet(0, 0).id))
    seen = kernel.seen()
    kernel.apply((*plan(layout(NAMES, network), seen), *plug_in(ends, seen)))

    assert kernel.spaces[NAMES.router("vpc-0")].links[port("uid-1")] == bridge(subnet(0, 0).id)
    assert plug_in(ends, kernel.seen()) == ()


def test_changed_rules_replace_the_table() -> None:
    """A table is named by its content, so that an agent of another version sees the difference."""
    kernel = Kernel()
    vpc = Vpc(id="vpc-0", name="", cidr="10.0.0.0/16", created_at="")
    reach(kernel, NetworkModel(vpcs=(vpc,)))
    router = kernel.spaces[NAMES.router("vpc-0")]
    (current,) = router.tables
    router.tables = {"towline-older", "somebody-else's"}

    reach(kernel, NetworkModel(vpcs=(vpc,)))
    assert kernel.spaces[NAMES.router("vpc-0")].tables == {current, "somebody-else's"}


@given(identifier=st.text(st.characters(codec="ascii", categories=["Ll", "Nd"]), min_size=1))
def test_link_names_fit_the_kernel(identifier: str) -> None:
    """15 characters."""
    for name in (bridge(f"subnet-{identifier}"), trunk(f"vpc-{identifier}"), port(identifier)):
        assert len(name) <= 15
