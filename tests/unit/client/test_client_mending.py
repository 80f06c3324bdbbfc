"""Every change that mends a pull is made in the cloud and in the cluster, and can be undone."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.clouds import serving
from tests.fake_kubernetes import FakeKubernetes

from towline.client.cloud_access import open_cloud
from towline.client.cloud_gateway import Gateways
from towline.client.cloud_network import Networks
from towline.client.cloud_public_access import PublicAccess
from towline.client.cloud_registry import Registries
from towline.client.cloud_routing import Routing
from towline.client.cloud_security import SecurityGroups
from towline.client.cloud_wait import until_running
from towline.client.egress import Cloud
from towline.client.mending import Mender
from towline.client.mending_cloud import CloudMender
from towline.client.step import Step, make_all
from towline.cluster.resources import NAMESPACES, SECRETS
from towline.diagnosis.mending import (
    AllowAddress,
    Change,
    CreateLink,
    Domain,
    GrantPull,
    LetOut,
    MakeEgress,
    Mending,
    OpenEndpoint,
    ResolveOn,
    WriteCredential,
)
from towline.problem import Problem

DOMAIN = "demo.tencentcloudcr.com"


class World:
    """A cloud with a registry, a subnet and a group, and a cluster beside it."""

    def __init__(self) -> None:
        client = open_cloud()
        self.registries = Registries(client)
        self.networks, self.routing = Networks(client), Routing(client)
        self.gateways, self.access = Gateways(client), PublicAccess(client)
        self.groups = SecurityGroups(client)
        self.kubernetes = FakeKubernetes(lambda: 0.0)
        self.vpc_id = self.subnet_id = self.group_id = self.account = ""

    async def found(self) -> None:
        """Make what there is at the beginning."""
        registry_id = await self.registries.create_instance("demo", "basic", protected=False)
        instance = await until_running(self.registries, registry_id, 5)
        await self.registries.create_namespace(instance, "team", public=False)
        await self.registries.create_namespace(instance, "other", public=False)
        rights = {"other": ["tcr:PullRepository"]}
        self.account = (await self.registries.create_account(instance, "ci", rights, -1)).id
        vpc = await self.networks.create_vpc("office", "10.0.0.0/16")
        subnet = await self.networks.create_subnet(vpc, "pods", "10.0.1.0/24", "")
        self.vpc_id, self.subnet_id = vpc.vpc_id, subnet.subnet_id
        self.group_id = (await self.groups.create("shut", "no rules")).security_group_id
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}
        await self.kubernetes.create(NAMESPACES, "", namespace)

    def mender(self) -> Mender:
        """Who carries plans out."""
        parts = Cloud(self.networks, self.routing, self.gateways, self.access)
        return Mender(self.kubernetes, lambda: CloudMender(self.registries, parts, self.groups, 5))

    async def steps(self, *changes: Change) -> list[Step]:
        """What these changes take."""
        return await self.mender().steps(Mending(changes=changes))

    async def seen(self) -> dict[str, Any]:
        """All of the cloud and the cluster that any change may touch."""
        instance = await self.registries.instance("demo")
        links = await self.registries.links(instance)
        accounts = await self.registries.accounts(instance)
        return {
            "links": [(link.vpc_id, link.status) for link in links],
            "resolved": [await self.registries.resolved(instance, link) for link in links],
            "endpoint": await self.access.status(instance),
            "allowed": [rule.cidr_block for rule in await self.access.rules(instance)],
            "gateways": len(await self.gateways.gateways()),
            "addresses": len(await self.gateways.addresses()),
            "tables": [len(one.route_set) for one in await self.routing.tables()],
            "egress": [
                (one.cidr_block, one.port)
                for one in (await self.groups.rules(self.group_id)).egress
            ],
            "rights": {
                one.name.partition("-")[0]: sorted(grant.resource for grant in one.permissions)
                for one in accounts
            },
            "secrets": self.kubernetes.all(SECRETS),
        }


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """One that answers, and nothing of the person who runs the tests."""
    for name in ("TOWLINE_ENDPOINT", "TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TOWLINE_DATA", str(tmp_path))
    async with serving(tmp_path):
        found = World()
        await found.found()
        yield found


async def unmade(steps: list[Step]) -> None:
    """Undo all of them, as when a later one fails."""

    async def fail() -> None:
        raise Problem("broken", cause="it breaks", remedy="none")

    told = list[str]()
    with pytest.raises(Problem, match="it breaks"):
        await make_all([*steps, Step("break", fail, fail)], told.append)
    undone = [text for text in told if text.startswith("undo: ")]
    assert undone == [f"undo: {step.text}" for step in reversed(steps)]


async def test_every_change_is_made_and_leaves_nothing_when_it_is_undone(world: World) -> None:
    """All kinds in one plan; what was there before is as it was."""
    changes = (
        CreateLink("demo", world.vpc_id, world.subnet_id),
        ResolveOn("demo", world.vpc_id, Domain.DEFAULT, DOMAIN),
        OpenEndpoint("demo"),
        AllowAddress("demo", "198.18.9.9"),
        MakeEgress(world.subnet_id),
        LetOut(world.group_id, "10.0.0.5", 443),
        GrantPull("demo", world.account, "team"),
        WriteCredential("demo", "team", "default", "pull-demo-team", (DOMAIN,)),
    )
    before = await world.seen()
    await unmade(await world.steps(*changes))
    assert await world.seen() == before

    steps = await world.steps(*changes)
    await make_all(steps, print)
    after = await world.seen()

    assert after["links"] == [(world.vpc_id, "Running")]
    assert after["resolved"] == [(True, False)]
    assert after["endpoint"] == "Opened"
    assert after["allowed"] == ["198.18.9.9"]
    assert after["gateways"] == after["addresses"] == 1
    assert after["egress"][0] == ("10.0.0.5", "443")
    assert sorted(after["rights"].values()) == [["other", "team"], ["team"]]
    assert [secret["metadata"]["name"] for secret in after["secrets"]] == ["pull-demo-team"]


async def test_a_route_that_is_switched_off_is_switched_on(world: World) -> None:
    """Beside it nothing is made: no second route, no table."""
    await make_all(await world.steps(MakeEgress(world.subnet_id)), print)
    table = await world.routing.table_of(await world.networks.place(world.subnet_id))
    (route,) = table.route_set
    await world.routing.disable(table.route_table_id, route.route_id)
    steps = await world.steps(MakeEgress(world.subnet_id))
    await unmade(steps)
    await make_all(steps, print)
    mended = await world.routing.table(table.route_table_id)

    assert len(steps) == 1
    assert [one.enabled for one in mended.route_set] == [True]


async def test_a_subnet_goes_by_the_table_that_leads_out_already(world: World) -> None:
    """It needs no second table with the same route."""
    await make_all(await world.steps(MakeEgress(world.subnet_id)), print)
    subnet = await world.networks.place(world.subnet_id)
    leading = await world.routing.table_of(subnet)
    main = next(
        one for one in await world.routing.tables() if one.main and one.vpc_id == world.vpc_id
    )
    await world.routing.associate(main.route_table_id, world.subnet_id)
    steps = await world.steps(MakeEgress(world.subnet_id))
    await make_all(steps, print)

    assert len(steps) == 1
    assert (await world.routing.table_of(subnet)).route_table_id == leading.route_table_id


def auths(secret: dict[str, Any]) -> dict[str, Any]:
    """What a pull Secret opens."""
    document = json.loads(base64.b64decode(secret["data"][".dockerconfigjson"]))
    found: dict[str, Any] = document["auths"]
    return found


async def test_a_secret_that_is_there_keeps_what_else_it_opens(world: World) -> None:
    """Only the entry of the registry that is mended is another, and is put back when undone."""
    entry = {"username": "old", "password": "old"}
    held = json.dumps({"auths": {"hub.example": entry, f"https://{DOMAIN}": entry}})
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "mine", "namespace": "default"},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": base64.b64encode(held.encode()).decode()},
    }
    await world.kubernetes.create(SECRETS, "default", secret)
    change = WriteCredential("demo", "team", "default", "mine", (DOMAIN,))
    await unmade(await world.steps(change))
    undone = auths(await world.kubernetes.get(SECRETS, "default", "mine"))
    await make_all(await world.steps(change), print)
    written = auths(await world.kubernetes.get(SECRETS, "default", "mine"))

    assert undone == json.loads(held)["auths"]
    assert written.keys() == {"hub.example", DOMAIN}
    assert written["hub.example"] == entry
    assert written[DOMAIN]["username"].startswith("tcr$pull-team-")


async def test_a_secret_of_another_type_is_left_alone(world: World) -> None:
    """Its type never changes, so it is named instead."""
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "mine", "namespace": "default"},
        "type": "Opaque",
    }
    await world.kubernetes.create(SECRETS, "default", secret)
    before = await world.seen()
    change = WriteCredential("demo", "team", "default", "mine", (DOMAIN,))
    with pytest.raises(Problem) as caught:
        await make_all(await world.steps(change), print)

    assert caught.value.code == "not-a-pull-secret"
    assert await world.seen() == before
