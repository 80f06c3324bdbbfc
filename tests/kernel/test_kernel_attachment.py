"""What pods ask of their interfaces, seen in real packets: security groups and public addresses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.networks import (
    INSTANCE,
    Agent,
    agent,
    ask,
    cluster,
    connect,
    installation,
    subnet,
    swept,
    until,
    visitor,
    vpc,
)
from tests.unit.network.models import elastic_ip

from towline.cluster.node.provider import PodIdentity
from towline.kube import annotations as known
from towline.linux import network_namespace
from towline.linux.command import ip_batch, ip_show, nft_load
from towline.network.address import RESOLVERS
from towline.network.security import security_rules
from towline.problem import Problem
from towline.resource import kind
from towline.resource.claim import Claim
from towline.resource.cluster import NodePool
from towline.resource.elastic_ip import ElasticIp, ElasticIpStatus
from towline.resource.network_interface import NetworkInterface
from towline.resource.security_group import SecurityGroup, SecurityRule, Verdict
from towline.store.collection import Collection

pytestmark = pytest.mark.root
SILENCE = (
    2.5  # seconds after which a dial counts as unanswered: a router that was just made may lose
)
# the first packet, which is sent again after one
ELSEWHERE = "198.18.77.1"
HOME = subnet(0)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for agents."""
    with swept(tmp_path) as made:
        yield made


@pytest_asyncio.fixture
async def here(folder: Path) -> AsyncIterator[Agent]:
    """An agent with one VPC and one subnet."""
    async with agent(folder, INSTANCE, vpc(0), HOME) as made:
        yield made


def rule(
    protocol: str = "ALL",
    ports: str = "ALL",
    cidr: str = "0.0.0.0/0",
    action: Verdict = Verdict.ACCEPT,
) -> SecurityRule:
    """One rule; without words it lets everything through."""
    return SecurityRule(protocol=protocol, ports=ports, cidr=cidr, action=action)


def group(
    name: str, ingress: tuple[SecurityRule, ...] = (), egress: tuple[SecurityRule, ...] = ()
) -> SecurityGroup:
    """A group with these rules."""
    return SecurityGroup(id=f"sg-{name}", name=name, ingress=ingress, egress=egress, created_at="")


HTTPS = rule("TCP", "443")
NO_HTTPS = rule("TCP", "443", action=Verdict.DROP)
EVERYTHING = rule()


async def attached(here: Agent, uid: str, name: str = "web", **annotations: str) -> Path:
    """The namespace of a pod with these annotations, which are called as in `annotations`."""
    wishes = {getattr(known, key): value for key, value in annotations.items()}
    pod = PodIdentity(uid, "demo", name, HOME.id, name, wishes)
    await here.network.pods.attach(uid, HOME.id, pod)
    return here.network.pods.namespace_path(uid)


def interfaces(here: Agent) -> tuple[NetworkInterface, ...]:
    """Those that are written down."""
    return Collection(here.store, kind.NETWORK_INTERFACE, NetworkInterface).list()


def elastic_ips(here: Agent) -> tuple[ElasticIp, ...]:
    """Those that are written down."""
    return Collection(here.store, kind.ELASTIC_IP, ElasticIp).list()


async def is_let(pod: Path, address: str, port: int) -> bool:
    """Whether a connection begins, be it refused by the other side."""
    try:
        (await connect(pod, address, port, SILENCE)).close()
    except TimeoutError:
        return False
    except ConnectionRefusedError:
        pass
    return True


async def test_outbound_connections_are_judged_and_names_are_not(here: Agent) -> None:
    """A pod whose group has no rule for a port hears nothing from it, and still resolves names."""
    await here.write(group("web", egress=(HTTPS,)), group("mail", egress=(rule("TCP", "25"),)))
    web = await attached(here, "uid-1", SECURITY_GROUP_ID="sg-web")
    mail = await attached(here, "uid-2", SECURITY_GROUP_ID="sg-mail")
    server = network_namespace.listen(here.names.data_centre, "10.16.0.9", 443)
    with server:
        let = [await is_let(pod, "10.16.0.9", 443) for pod in (web, mail)]
    answers = [await ask(pod, RESOLVERS[0], _QUESTION) for pod in (web, mail)]

    assert let == [True, False]
    assert all(answer[:2] == _QUESTION[:2] for answer in answers)


_QUESTION = bytes.fromhex("1234 0100 0001 0000 0000 0000 0464656d6f 00 0001 0001".replace(" ", ""))
"""For the address of `demo`."""


@pytest.mark.parametrize(("groups", "let"), [("sg-no,sg-all", False), ("sg-all,sg-no", True)])
async def test_groups_are_asked_in_the_order_of_the_list(
    here: Agent, groups: str, let: bool
) -> None:
    """The first rule that fits decides, whichever group it is of."""
    await here.write(group("no", egress=(NO_HTTPS,)), group("all", egress=(EVERYTHING,)))
    pod = await attached(here, "uid-1", SECURITY_GROUP_ID=groups)
    with network_namespace.listen(here.names.data_centre, "10.16.0.9", 443):
        assert await is_let(pod, "10.16.0.9", 443) is let


async def test_inbound_connections_are_judged_and_answers_pass(here: Agent) -> None:
    """Whoever may not come in is not answered, and what the pod begins itself is."""
    open_pod = await attached(here, "uid-1")
    await here.write(group("in", (rule("TCP", "8000-8080", "10.0.0.0/24"),), (EVERYTHING,)))
    pod = await attached(here, "uid-2", SECURITY_GROUP_ID="sg-in")
    standing = here.network.pods.standing()
    let = [await is_let(open_pod, standing["uid-2"], port) for port in (8000, 8080, 8081)]

    assert let == [True, True, False]
    assert await is_let(pod, standing["uid-1"], 9)


async def test_a_change_of_rules_holds_for_running_pods_and_spares_their_connections(
    here: Agent,
) -> None:
    """What was let through goes on; what begins afterwards is judged by the new rules."""
    web = group("web", egress=(HTTPS,))
    await here.write(web)
    pod = await attached(here, "uid-1", SECURITY_GROUP_ID="sg-web")
    with network_namespace.listen(here.names.data_centre, "10.16.0.9", 443) as listening:
        before = await connect(pod, "10.16.0.9", 443)
        accepted, _ = await asyncio.get_running_loop().sock_accept(listening)
        closed = msgspec.structs.replace(web, egress=())
        await here.replace(web, closed)

        async def is_shut() -> bool:
            return not await is_let(pod, "10.16.0.9", 443)

        await until(is_shut, 20)
        with before, accepted:
            await asyncio.get_running_loop().sock_sendall(before, b"still here")
            heard = await asyncio.get_running_loop().sock_recv(accepted, 99)
        await here.replace(closed, web)

        async def is_open() -> bool:
            return await is_let(pod, "10.16.0.9", 443)

        await until(is_open, 20)

    assert heard == b"still here"


async def test_pods_without_a_wish_are_in_the_default_group(here: Agent) -> None:
    """If the account has one; those that were there before it stay open. The groups of their node's
    pool go before it.
    """
    early = await attached(here, "uid-1")
    await here.write(msgspec.structs.replace(group("all", egress=()), is_default=True))
    late = await attached(here, "uid-2")
    pool = NodePool(
        id="np-1",
        name="pool",
        subnet_ids=(HOME.id,),
        created_at="",
        security_group_ids=("sg-web",),
    )
    pooled = msgspec.structs.replace(cluster(HOME), pools=(pool,))
    await here.write(group("web", egress=(HTTPS,)), pooled)
    last = await attached(here, "uid-3")
    with network_namespace.listen(here.names.data_centre, "10.16.0.9", 443):
        let = [await is_let(pod, "10.16.0.9", 443) for pod in (early, late, last)]

    assert let == [True, False, True]
    assert {one.pod_uid: one.security_group_ids for one in interfaces(here)} == {
        "uid-1": (),
        "uid-2": ("sg-all",),
        "uid-3": ("sg-web",),
    }


@pytest.mark.parametrize(
    ("annotations", "code", "words"),
    [
        ({"SECURITY_GROUP_ID": "sg-no"}, "security-group-not-found", "InvalidSecurityGroupID"),
        ({"EIP_ID_LIST": "eip-no"}, "elastic-ip-not-found", "InvalidAddressId.NotFound"),
        ({"EIP_ATTRIBUTES": "no"}, "eip-attributes-malformed", "eip-attributes"),
    ],
)
async def test_a_pod_that_asks_for_what_is_not_there_takes_nothing(
    here: Agent, annotations: dict[str, str], code: str, words: str
) -> None:
    """It is told why, and its address is free for others."""
    with pytest.raises(Problem) as refused:
        await attached(here, "uid-1", **annotations)

    assert refused.value.code == code
    assert words in refused.value.cause
    assert here.addresses == frozenset()
    assert (interfaces(here), elastic_ips(here)) == ((), ())


async def test_guarded_pods_outlive_the_agent(folder: Path) -> None:
    """A change that was made meanwhile holds when the next one is there."""
    web = group("web", egress=(HTTPS,))
    async with agent(folder, INSTANCE, vpc(0), HOME, web) as first:
        pod = await attached(first, "uid-1", SECURITY_GROUP_ID="sg-web")
        before = interfaces(first)
        await first.replace(web, msgspec.structs.replace(web, egress=()))
    async with agent(folder) as second:
        again = await attached(second, "uid-1", SECURITY_GROUP_ID="sg-web")
        with network_namespace.listen(second.names.data_centre, "10.16.0.9", 443):
            let = await is_let(pod, "10.16.0.9", 443)
        after = interfaces(second)

    assert not let
    assert (before, pod) == (after, again)


async def test_an_address_is_made_for_a_pod_and_goes_with_it(here: Agent) -> None:
    """The internet sees it; its record and its claim are gone with the pod."""
    pod = await attached(here, "uid-1", EIP_ATTRIBUTES='{"InternetMaxBandwidthOut":50}')
    (eip,) = elastic_ips(here)
    (interface,) = interfaces(here)
    listening = network_namespace.listen(here.names.internet, ELSEWHERE, 80)
    with listening, await connect(pod, ELSEWHERE, 80):
        seen = await visitor(listening)
    await here.network.pods.detach("uid-1")
    claims = Collection(here.store, kind.CLAIM, Claim).list("public-address")

    assert (eip.status, eip.bound_to, eip.bandwidth) == (ElasticIpStatus.BIND, interface.id, 50)
    assert seen == eip.address
    assert (elastic_ips(here), interfaces(here), claims) == ((), (), ())


async def test_what_a_pod_had_that_did_not_come_into_being_is_free_again(folder: Path) -> None:
    """The agent ended between the record of its interface and the last of its namespace."""
    async with agent(folder, INSTANCE, vpc(0), HOME, elastic_ip(0)) as first:
        await attached(first, "uid-1", EIP_ATTRIBUTES="{}")
        await attached(first, "uid-2", EIP_ID_LIST="eip-0")
        for uid in ("uid-1", "uid-2"):
            await ip_batch(first.names.pod(uid), ["route delete default"])
    async with agent(folder) as second:
        left = [(one.id, one.status, one.bound_to) for one in elastic_ips(second)]
        taken = second.addresses

    assert left == [("eip-0", ElasticIpStatus.UNBIND, "")]
    assert taken == frozenset()
    assert network_namespace.names(second.names.pod("")) == frozenset()


async def test_an_address_that_is_to_stay_waits_for_the_next_pod_of_its_name(here: Agent) -> None:
    """And for no other."""
    wish = {"EIP_ATTRIBUTES": "{}", "EIP_CLAIM_DELETE_POLICY": "Never"}
    await attached(here, "uid-1", "db-0", **wish)
    (first,) = elastic_ips(here)
    await here.network.pods.detach("uid-1")
    (waiting,) = elastic_ips(here)
    await attached(here, "uid-2", "db-1", **wish)
    await attached(here, "uid-3", "db-0", **wish)
    (third,) = (one for one in interfaces(here) if one.pod_uid == "uid-3")
    bound = {one.address: one.bound_to for one in elastic_ips(here)}

    assert (waiting.status, waiting.bound_to) == (ElasticIpStatus.UNBIND, "")
    assert bound[first.address] == third.id
    assert len(bound) == 2


async def test_pods_share_out_the_addresses_that_they_name(here: Agent) -> None:
    """The pod for which none is left has to wait for another one to go."""
    await here.write(elastic_ip(0), elastic_ip(1))
    pods = [
        await attached(here, f"uid-{number}", EIP_ID_LIST="eip-0,eip-1", EIP_INJECTION="true")
        for number in (0, 1)
    ]
    with pytest.raises(Problem) as refused:
        await attached(here, "uid-2", EIP_ID_LIST="eip-0,eip-1")
    with network_namespace.listen(here.names.internet, ELSEWHERE, 80) as listening:
        seen = list[str]()
        for pod in pods:
            with await connect(pod, ELSEWHERE, 80):
                seen.append(await visitor(listening))
    (shown,) = await ip_show(pods[0].name, ["address show dev eth0"])
    await here.network.pods.detach("uid-0")
    await attached(here, "uid-2", EIP_ID_LIST="eip-0,eip-1")

    assert seen == ["198.19.0.10", "198.19.0.11"]
    assert "198.19.0.10" in {info["local"] for info in shown[0]["addr_info"]}
    assert refused.value.code == "no-elastic-ip-free"


_RULES = st.builds(
    rule,
    st.sampled_from(["TCP", "UDP"]),
    st.sampled_from(["ALL", "80", "80,443", "443,80,443", "8000-9000", "0-65535"]),
    st.sampled_from(["0.0.0.0/0", "10.0.0.0/8", "10.0.0.7/32"]),
    st.sampled_from(Verdict),
) | st.builds(rule, st.sampled_from(["ICMP", "ALL"]), action=st.sampled_from(Verdict))
_GROUPS = st.builds(group, st.just("any"), st.lists(_RULES).map(tuple), st.lists(_RULES).map(tuple))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(groups=st.lists(_GROUPS, max_size=3))
def test_the_kernel_takes_whatever_rules_there_may_be(groups: list[SecurityGroup]) -> None:
    """Also those that say a thing twice."""
    with installation() as names:
        network_namespace.create(names.internet)
        text = f"table inet pod-security {{\n{security_rules(groups)}\n}}\n"
        asyncio.run(nft_load(names.internet, text))
