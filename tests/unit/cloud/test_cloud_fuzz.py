"""Whatever is sent to the cloud, it answers as the API does, and nothing is ever half made.

Every registered action is called over and over with parameters that fit, and with some that do not,
through the real gateway and on real records, while a registry and an agent do their part.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from contextlib import AsyncExitStack
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.api_examples import EXAMPLES
from tests.api_strategies import parameters, spoiled
from tests.clouds import SECRET_ID, SECRET_KEY, open_context
from tests.senseless_calls import World, request

from towline.cloud.access_key import enroll
from towline.cloud.audit import only_reads
from towline.cloud.catalogue import CATALOGUE
from towline.resource import kind
from towline.resource.claim import NAME, PUBLIC_ADDRESS

ACTIONS = [
    (service, version, name)
    for (service, version), actions in sorted(CATALOGUE.items())
    for name in sorted(actions)
]
MAKERS = [
    one for one in ACTIONS if one[2].startswith(("Create", "Allocate", "Manage", "Associate"))
]
RUNS, STEPS, BURST = 20, 12, 15


class CloudMachine(RuleBasedStateMachine):
    """One cloud, and calls without sense or reason."""

    answered = 0

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        context = self.runner.run(
            self.stack.enter_async_context(open_context(Path(self.folder.name)))
        )
        keys = {"SecretId": SECRET_ID, "SecretKey": SECRET_KEY}
        context.settings.access_keys_file.write_text(json.dumps(keys))
        self.runner.run(enroll(context.resources, context.settings.access_keys_file, context.clock))
        self.world = World(context)

    def call(
        self, action: tuple[str, str, str], body: bytes, spoiled: str = "", query: str = ""
    ) -> dict[str, Any]:
        """Send, and hold the answer against what holds for every answer."""
        before = self.world.records()
        answer = self.runner.run(self.world.gateway.answer(request(action, body, spoiled, query)))
        response: dict[str, Any] = json.loads(answer)["Response"]
        CloudMachine.answered += 1
        error = response.get("Error")
        assert len(response["RequestId"]) == 36
        body = body or query.encode()
        if error is not None:
            # `InternalError.ErrorConflict` and its like are ordinary refusals of the product tcr.
            assert error["Code"] != "InternalError", (action, body[:500], error)
            assert error["Message"]
        if error is not None or only_reads(action[2]):
            assert self.world.records() == before, (action, body[:500], error)
        return response

    @rule(data=st.data())
    def any_actions(self, data: st.DataObject) -> None:
        """Some actions with parameters that may fit."""
        for _ in range(BURST):
            service, version, name = action = data.draw(st.sampled_from(ACTIONS))
            wanted = CATALOGUE[service, version][name].parameters
            given = self.world.resolved(data.draw(parameters(wanted)))
            self.call(action, json.dumps(given).encode())

    @rule(data=st.data())
    def actions_that_make_sense(self, data: st.DataObject) -> None:
        """One after another in any order, and some of them spoiled."""
        for _ in range(2 * BURST):
            service, name, example = data.draw(st.sampled_from(EXAMPLES))
            action = next(one for one in ACTIONS if (one[0], one[2]) == (service, name))
            given = self.world.resolved(data.draw(spoiled(example)))
            self.call(action, json.dumps(given).encode())
            if data.draw(st.booleans()):
                self.others_do_their_part()

    @rule(data=st.data())
    def actions_that_make_things(self, data: st.DataObject) -> None:
        """So that there is much to go wrong with."""
        for _ in range(BURST):
            service, version, name = action = data.draw(st.sampled_from(MAKERS))
            wanted = CATALOGUE[service, version][name].parameters
            given = self.world.resolved(data.draw(parameters(wanted)))
            self.call(action, json.dumps(given).encode())

    @rule(
        action=st.sampled_from(ACTIONS),
        body=st.one_of(
            st.binary(max_size=30),
            st.sampled_from([b"[]", b"null", b"{", b'{"a":' * 5000, b"1e999", b'"\xff"', b""]),
        ),
    )
    def no_parameters_at_all(self, action: tuple[str, str, str], body: bytes) -> None:
        """A body that is no object, or one without end."""
        self.call(action, body)

    @rule(
        action=st.sampled_from(ACTIONS),
        spoiled=st.sampled_from(
            ["authorization", "x-tc-timestamp", "x-tc-token", "x-tc-content-sha256", "host"]
        ),
    )
    def a_request_of_nobody(self, action: tuple[str, str, str], spoiled: str) -> None:
        """A signature that is not good is refused, and nothing is written."""
        audited = len(self.world.resources.audit.list(""))
        response = self.call(action, b"{}", spoiled)

        assert response["Error"]["Code"].startswith(("AuthFailure.", "Missing", "Invalid"))
        assert len(self.world.resources.audit.list("")) == audited

    @rule(
        action=st.sampled_from(ACTIONS),
        query=st.one_of(
            st.text(min_size=1, max_size=40),
            st.sampled_from(
                [
                    "a." * 3000 + "b=1",
                    "Limit=1&Limit=2&Limit.0=3",
                    "Limit=%FF%00&Offset=1e5",
                    "Limit=" + "9" * 5000,
                    "Filters.0.Name=vpc-id&Filters.0.Values.0=x&Filters.1=y",
                    "Filters.1.Name=vpc-id&Filters.-1.Name=x&=&.=&..=1",
                ]
            ),
        ),
    )
    def a_query_of_anything(self, action: tuple[str, str, str], query: str) -> None:
        """A GET whose parameters contradict each other, or are none."""
        self.call(action, b"", query=query)

    @rule()
    def others_do_their_part(self) -> None:
        """The registry and the agent catch up."""
        self.runner.run(self.world.settle())

    @initialize()
    def a_network_is_made(self) -> None:
        """What a person would do first, so that ids are there to be misused."""
        self.make("vpc", "CreateVpc", VpcName="v", CidrBlock="10.0.0.0/16")
        self.make("tcr", "CreateInstance", RegistryName="demo", RegistryType="basic")
        self.others_do_their_part()
        (vpc,) = self.world.resources.vpcs.list()
        (instance,) = self.world.resources.instances.list()
        place = {"VpcId": vpc.id, "Zone": "ap-guangzhou-1"}
        self.make("vpc", "CreateSubnet", SubnetName="s", CidrBlock="10.0.1.0/24", **place)
        self.make("vpc", "AllocateAddresses", AddressCount=2)
        self.make("vpc", "CreateSecurityGroup", GroupName="g", GroupDescription="")
        self.make("vpc", "CreateNatGateway", VpcId=vpc.id, NatGatewayName="n", AddressCount=1)
        self.make(
            "tcr", "CreateNamespace", RegistryId=instance.id, NamespaceName="team", IsPublic=True
        )
        self.others_do_their_part()

    def make(self, service: str, name: str, **given: Any) -> None:
        """Call an action that is known to succeed."""
        action = next(one for one in ACTIONS if (one[0], one[2]) == (service, name))
        assert "Error" not in self.call(action, json.dumps(given).encode())

    @invariant()
    def every_record_can_be_read(self) -> None:
        """As what it is."""
        for collection in self.world.collections():
            collection.list()

    @invariant()
    def what_belongs_to_something_has_it(self) -> None:
        """No subnet without its VPC, no namespace without its instance."""
        resources = self.world.resources
        vpcs = {one.id for one in resources.vpcs.list()}
        instances = {one.id for one in resources.instances.list()}
        subnets = {one.id for one in resources.subnets.list()}
        assert {one.vpc_id for one in resources.subnets.list()} <= vpcs
        assert {one.vpc_id for one in resources.route_tables.list()} <= vpcs
        assert {one.vpc_id for one in resources.nat_gateways.list()} <= vpcs
        assert {one.instance_id for one in resources.namespaces.list()} <= instances
        assert {one.instance_id for one in resources.credentials.list()} <= instances
        assert {one.instance_id for one in resources.public_endpoints.list()} <= instances
        for cluster in resources.clusters.list():
            assert cluster.vpc_id in vpcs
            assert {*cluster.subnet_ids} <= subnets
            assert {one for pool in cluster.pools for one in pool.subnet_ids} <= subnets
        clusters = {one.id for one in resources.clusters.list()}
        held = resources.store.list(kind.ADDON).records
        assert {record.key.scope for record in held} <= clusters
        for link in resources.links.list():
            assert (link.vpc_id in vpcs, link.subnet_id in subnets) == (True, True)
            assert link.instance_id in instances

    @invariant()
    def subnets_lie_side_by_side(self) -> None:
        """Inside their VPC, and never one on another."""
        resources = self.world.resources
        for vpc in resources.vpcs.list():
            ranges = [IPv4Network(one.cidr) for one in resources.subnets.list(vpc.id)]
            assert all(one.subnet_of(IPv4Network(vpc.cidr)) for one in ranges)
            assert not any(
                one.overlaps(other)
                for number, one in enumerate(ranges)
                for other in ranges[number + 1 :]
            )

    @invariant()
    def routes_lead_somewhere(self) -> None:
        """One main table in each VPC; subnets use tables of their VPC, routes its gateways."""
        resources = self.world.resources
        for vpc in resources.vpcs.list():
            tables = {one.id: one for one in resources.route_tables.list(vpc.id)}
            gateways = {one.id for one in resources.nat_gateways.list(vpc.id)}
            assert [one.main for one in tables.values()].count(True) == 1
            used = {one.route_table_id for one in resources.subnets.list(vpc.id)}
            assert used - {""} <= tables.keys()
            for table in tables.values():
                nat = {one.gateway_id for one in table.routes if one.gateway_type == "NAT"}
                assert nat <= gateways
                assert len({one.destination for one in table.routes}) == len(table.routes)

    @invariant()
    def addresses_have_one_owner(self) -> None:
        """Public ones are claimed by who has them; a gateway and its addresses know each other."""
        resources = self.world.resources
        owners = [(one.public_address, one.id) for one in resources.instances.list()]
        owners += [(one.address, one.id) for one in resources.elastic_ips.list()]
        assert len(dict(owners)) == len(owners)
        for address, owner in owners:
            claim = resources.claims.get(PUBLIC_ADDRESS, address)
            assert claim is not None
            assert claim.owner_id == owner
        bound = {(one.bound_to, one.id) for one in resources.elastic_ips.list() if one.bound_to}
        listed = {
            (one.id, address)
            for one in resources.nat_gateways.list()
            for address in one.elastic_ip_ids
        }
        assert listed == {one for one in bound if one[0].startswith("nat-")}

    @invariant()
    def names_of_instances_are_theirs_alone(self) -> None:
        """Each has the claim on its name."""
        for one in self.world.resources.instances.list():
            claim = self.world.resources.claims.get(NAME, one.name)
            assert claim is not None
            assert claim.owner_id == one.id

    def teardown(self) -> None:
        """Close the records."""
        self.runner.run(self.stack.aclose())
        self.runner.close()
        self.folder.cleanup()


@pytest.mark.slow
class TestCalls(CloudMachine.TestCase):  # type: ignore[valid-type, misc]  # made at run time
    """The machine as a test."""

    settings = settings(
        max_examples=RUNS,
        stateful_step_count=STEPS,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )

    def runTest(self) -> None:  # noqa: N802  # unittest's name
        """At least five hundred calls, or the machine has not done its work."""
        CloudMachine.answered = 0
        super().runTest()

        assert CloudMachine.answered >= 500
