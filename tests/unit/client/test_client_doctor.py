"""The doctor finds what is amiss in the cloud, on the machine and among the pods, and says so."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.clouds import ServedCloud, serving
from tests.fake_kubernetes import FakeKubernetes

from towline.client.cloud_access import open_cloud
from towline.client.cloud_gateway import Gateways
from towline.client.cloud_network import Networks
from towline.client.cloud_public_access import PublicAccess
from towline.client.cloud_registry import Registries
from towline.client.cloud_routing import Routing
from towline.client.cloud_wait import until_linked, until_running
from towline.client.doctor_cloud import CloudDoctor
from towline.client.doctor_host import DoorDoctor, HostDoctor
from towline.client.doctor_pods import PodDoctor
from towline.client.egress import Cloud
from towline.client.finding import Finding, Report, Severity
from towline.cloud.context import Resources
from towline.cluster.kubernetes import ApiError, Object
from towline.cluster.resources import NAMESPACES, PODS, SECRETS
from towline.diagnosis.facts import Facts
from towline.diagnosis.observation import Observations
from towline.diagnosis.verdict import Confidence, Remedy, Verdict
from towline.installation import run_state
from towline.installation.data_directory import DataDirectory
from towline.installation.lock import held
from towline.installation.run_state import RoleState, RunState
from towline.probe.here import HERE
from towline.problem import Problem
from towline.resource.instance import Instance

DAY = 86_400_000
NOW = 1_800_000_000_000


@pytest.fixture
async def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ServedCloud]:
    """One that answers, and nothing of the person who runs the tests."""
    for name in ("TOWLINE_ENDPOINT", "TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TOWLINE_DATA", str(tmp_path))
    async with serving(tmp_path) as served:
        yield served


def codes(report: Report) -> list[str]:
    """What was found, in order."""
    return [finding.code for finding in report.findings]


async def test_each_omission_in_the_cloud_is_found_and_named(cloud: ServedCloud) -> None:
    """A healthy cloud has no finding; then everything is left half done."""
    client = open_cloud()
    registries, networks, routing = Registries(client), Networks(client), Routing(client)
    gateways, access = Gateways(client), PublicAccess(client)
    doctor = CloudDoctor(registries, Cloud(networks, routing, gateways, access), NOW)
    made = await registries.create_instance("demo", "basic", protected=False)
    instance = await until_running(registries, made, 5)
    await registries.create_namespace(instance, "team", public=False)
    vpc = await networks.create_vpc("office", "10.0.0.0/16")
    subnet = await networks.create_subnet(vpc, "pods", "10.0.1.0/24", "")
    healthy = await doctor.report()

    await registries.create_link(instance, vpc.vpc_id, subnet.subnet_id)
    link = await until_linked(registries, instance, vpc.vpc_id, 5)
    await access.open(instance, 5)
    nobody = await doctor.report()
    await access.allow(instance, "0.0.0.0/0", "everybody")
    rights = {"team": ["tcr:PullRepository"]}
    for name, end in (("old", NOW - DAY), ("ending", NOW + 2 * DAY), ("fresh", NOW + 90 * DAY)):
        await registries.create_account(instance, name, rights, end)
    address = await gateways.allocate("out")
    gateway = await gateways.create(vpc.vpc_id, "out", [address.address_ip])
    await gateways.until_available(gateway, 5)
    table = await routing.create(vpc.vpc_id, "outward")
    await routing.add(table.route_table_id, "0.0.0.0/0", "NAT", gateway)
    await gateways.unbind(gateway, address.address_ip)
    report = Report() + await doctor.report()
    await registries.resolve_on(instance, link, default=True)
    resolved = await doctor.report()

    assert codes(healthy) == []
    assert codes(nobody) == ["link-not-resolved", "endpoint-admits-nobody"]
    assert sorted(codes(report)) == [
        "credential-expired",
        "credential-expires",
        "endpoint-open-to-all",
        "link-not-resolved",
        "nat-without-eip",
        "route-table-without-subnets",
    ]
    assert report.findings[0].severity is Severity.CRITICAL
    assert "link-not-resolved" not in codes(resolved)
    by_code = {finding.code: finding for finding in report.findings}
    assert by_code["link-not-resolved"].commands == (
        f"towline link resolve on demo --vpc {vpc.vpc_id}",
    )
    assert by_code["credential-expires"].cause == "it expires in 2 days"


async def test_a_registry_that_does_not_answer_at_its_door_is_found(cloud: ServedCloud) -> None:
    """One whose door is listened at is well."""
    registries = Registries(open_cloud())
    made = await registries.create_instance("demo", "basic", protected=False)
    await until_running(registries, made, 5)
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]

        def opened(instance: Instance) -> Instance:
            return msgspec.structs.replace(instance, loopback_port=port)

        await cloud.resources.instances.update("", made, opened)
        listened = await DoorDoctor(registries).report()
    shut = await DoorDoctor(registries).report()

    assert codes(listened) == []
    assert codes(shut) == ["door-shut"]


async def test_a_registry_that_does_not_come_up_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else is asked of it."""
    monkeypatch.setenv("TOWLINE_DATA", str(tmp_path))

    async def idle(resources: Resources) -> None:
        del resources

    async with serving(tmp_path, idle):
        client = open_cloud()
        registries = Registries(client)
        await registries.create_instance("demo", "basic", protected=False)
        parts = Cloud(Networks(client), Routing(client), Gateways(client), PublicAccess(client))
        report = await CloudDoctor(registries, parts, NOW).report()

    assert codes(report) == ["registry-not-running"]


def test_an_installation_that_is_down_or_restarts_is_found(tmp_path: Path) -> None:
    """A role that is not ready, and one that ends again and again."""
    data = DataDirectory(tmp_path)
    data.create()
    (tmp_path / "nothing").touch()
    doctor = HostDoctor(data, "6.12.1")
    down = codes(doctor.report())
    roles = (
        RoleState(name="cloud", pid=os.getpid(), ready=True, restarts=4, last_end="killed"),
        RoleState(name="agent", last_end="exit code 1"),
        RoleState(name="registry", pid=os.getpid(), ready=True),
    )
    with held(data.lock, "up", "end it"):
        run_state.write(data.state, RunState(pid=os.getpid(), since=0.0, roles=roles))
        up = [one for one in doctor.report().findings if one.code.startswith("role")]

    assert "not-running" in down
    assert [(one.code, one.about) for one in up] == [
        ("role-restarts", "role cloud"),
        ("role-not-ready", "role agent"),
    ]


@pytest.mark.parametrize(
    ("kernel", "found"), [("6.11.0-deb", True), ("6.12.0", False), ("7.0", False), ("odd", False)]
)
def test_an_old_kernel_is_a_note(tmp_path: Path, kernel: str, found: bool) -> None:
    """It works, only slower: an installation is not ill for it."""
    notes = [
        one
        for one in HostDoctor(DataDirectory(tmp_path), kernel).report().findings
        if one.severity is Severity.NOTE
    ]

    assert bool(notes) == found
    assert Report(tuple(notes)).is_healthy


class Wise:
    """Who has a verdict for some pods, knows nothing of others, and fails at one."""

    async def of_pod(self, namespace: str, name: str) -> tuple[Verdict | None, Facts]:
        """By the pod's name."""
        if name == "odd":
            raise Problem("node-silent", cause="it does not answer", remedy="none")
        if name == "slow":
            return None, Facts()
        remedy = Remedy(text="attach it", commands=("kubectl x",))
        return (
            Verdict(
                code="auth.missing-credential",
                confidence=Confidence.ONE_OF,
                alternatives=("authz.denied",),
                cause=f"{namespace} has none",
                remedy=remedy,
            ),
            Facts(seen=Observations("a", vantage=HERE if name == "far" else "pod default/web")),
        )


async def cluster(*pods: tuple[str, str]) -> FakeKubernetes:
    """Pods by name, each with why it waits; empty for one that runs."""
    kubernetes = FakeKubernetes(lambda: 0.0)
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}
    await kubernetes.create(NAMESPACES, "", body)
    for name, reason in pods:
        pod: Object = {"metadata": {"name": name}, "spec": {"containers": []}}
        await kubernetes.create(PODS, "default", pod)
        state: Object = {"waiting": {"reason": reason, "message": "why"}} if reason else {}
        status = {
            "phase": "Pending" if reason else "Running",
            "conditions": [{"type": "PodScheduled", "status": "True"}],
            "containerStatuses": [{"name": "app", "image": "a", "state": state}],
        }
        await kubernetes.patch(PODS, "default", name, {"status": status}, subresource="status")
    return kubernetes


async def test_every_pod_that_waits_for_an_image_is_found_with_its_cause() -> None:
    """One that runs is not; one of which nobody knows the cause has the runtime's words."""
    pods = ("web", "ImagePullBackOff"), ("odd", "ErrImagePull"), ("fine", ""), ("slow", "Creating")
    report = await PodDoctor(await cluster(*pods), Wise()).report()

    found = {finding.about: finding for finding in report.findings}
    assert found.keys() == {"pod/web in default", "pod/odd in default"}
    web, odd = found["pod/web in default"], found["pod/odd in default"]
    assert web.code == "auth.missing-credential"
    assert web.cause == "default has none (or: authz.denied)"
    assert web.commands == ("kubectl x", "towline fix pod/web -n default")
    assert (odd.code, odd.evidence) == ("pull-failing", ("why",))
    assert report.unseen == ()
    assert report.exit_code == 1


async def test_a_pod_whose_node_does_not_answer_is_said_to_be_looked_at_from_here() -> None:
    """What is seen from another place may be another thing."""
    pods = ("web", "ErrImagePull"), ("far", "ErrImagePull")
    report = await PodDoctor(await cluster(*pods), Wise()).report()

    assert len(report.findings) == 2
    assert [one.partition(":")[0] for one in report.unseen] == ["the networks of the pods far"]


async def test_what_may_not_be_read_is_said() -> None:
    """A cluster of somebody else shows its pods and hides its Secrets."""

    class Shy(FakeKubernetes):
        """An API that lists no Secrets."""

        async def list(self, resource: Any, *args: Any, **kwargs: Any) -> Any:
            """Refuse Secrets."""
            if resource == SECRETS:
                raise ApiError(403, "Forbidden", "secrets is forbidden")
            return await super().list(resource, *args, **kwargs)

    kubernetes = Shy(lambda: 0.0)
    report = await PodDoctor(kubernetes, Wise()).report()

    assert report.findings == ()
    assert len(report.unseen) == 1
    assert report.unseen[0].startswith("secrets may not be read in all namespaces")
    assert report.exit_code == 2


def test_the_worst_comes_first_and_decides_the_exit_code() -> None:
    """0 healthy, 1 findings, 2 could not look."""

    def found(severity: Severity) -> Report:
        one = Finding(severity=severity, code="c", about="a", cause="c", remedy="r")
        return Report((one,))

    note, warning = found(Severity.NOTE), found(Severity.WARNING)
    both = note + warning + found(Severity.CRITICAL)

    assert [one.severity.value for one in both.findings] == ["critical", "warning", "note"]
    assert [Report().exit_code, note.exit_code, both.exit_code] == [0, 0, 1]
    assert (note + Report((), ("the cloud",))).exit_code == 2
    assert (warning + Report((), ("the cloud",))).exit_code == 1
