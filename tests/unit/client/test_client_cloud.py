"""The client of the cloud: finds its installation, signs, and turns every failure into a remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.clouds import SECRET_ID, SECRET_KEY, serving

from towline.client.cloud import CloudClient, CloudRefused
from towline.client.cloud_access import open_cloud, own_cloud
from towline.client.cloud_network import Networks
from towline.client.cloud_registry import Registries
from towline.client.cloud_wait import until_linked, until_running
from towline.installation.data_directory import DataDirectory
from towline.problem import Problem

PATIENCE = 5.0


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the person who runs the tests is used."""
    for name in ("TOWLINE_ENDPOINT", "TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TOWLINE_DATA", str(tmp_path))


async def test_the_data_directory_tells_endpoint_and_key(tmp_path: Path) -> None:
    """As `towline up` wrote them."""
    async with serving(tmp_path):
        vpc = await Networks(open_cloud()).create_vpc("office", "10.0.0.0/16")

        assert vpc.vpc_name == "office"


async def test_the_environment_goes_before_the_data_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a cloud on another machine."""
    async with serving(tmp_path) as cloud:
        monkeypatch.setenv("TOWLINE_DATA", str(tmp_path / "nowhere"))
        monkeypatch.setenv("TOWLINE_ENDPOINT", cloud.endpoint)
        monkeypatch.setenv("TENCENTCLOUD_SECRET_ID", SECRET_ID)
        monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", SECRET_KEY)

        assert await Registries(open_cloud()).instances() == []


async def test_a_role_asks_its_own_cloud_whatever_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever starts it may have keys of the real cloud in the environment."""
    async with serving(tmp_path):
        monkeypatch.setenv("TOWLINE_DATA", str(tmp_path / "nowhere"))
        monkeypatch.setenv("TOWLINE_ENDPOINT", "http://127.0.0.1:1")
        monkeypatch.setenv("TENCENTCLOUD_SECRET_ID", "AKIDreal")
        monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", "real")
        monkeypatch.setenv("TENCENTCLOUD_REGION", "eu-frankfurt")
        client = own_cloud(DataDirectory(tmp_path))

        assert client.region == "ap-guangzhou"
        assert await Registries(client).instances() == []


def test_without_an_installation_the_remedy_is_to_start_one() -> None:
    """Nothing is looked for elsewhere."""
    with pytest.raises(Problem) as problem:
        open_cloud()

    assert problem.value.code == "no-installation"
    assert "towline up" in problem.value.remedy


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    """And not taken for a missing installation."""
    (tmp_path / "doors.json").write_text("{}")
    with pytest.raises(Problem) as problem:
        open_cloud()

    assert "doors.json" in problem.value.cause


async def test_a_refusal_keeps_its_code_and_gets_a_remedy(tmp_path: Path) -> None:
    """The code is for programs, the remedy for people."""
    async with serving(tmp_path):
        client = open_cloud()
        with pytest.raises(CloudRefused) as refusal:
            await client.call("tcr", "2019-09-24", "DeleteInstance", {"RegistryId": "tcr-none"})

        assert refusal.value.api_code == "ResourceNotFound"
        assert "towline instance list" in refusal.value.remedy


@pytest.mark.parametrize(
    ("endpoint", "code"),
    [
        pytest.param("http://127.0.0.1:1", "cloud-unreachable", id="nobody-listens"),
        pytest.param("127.0.0.1:8020", "cloud-endpoint-malformed", id="no-scheme"),
    ],
)
async def test_no_answer_is_a_problem(endpoint: str, code: str) -> None:
    """Not a stack trace."""
    client = CloudClient(endpoint, "a", "b", "ap-guangzhou")
    with pytest.raises(Problem) as problem:
        await client.call("tcr", "2019-09-24", "DescribeInstances", {})

    assert problem.value.code == code


async def test_everything_may_be_named_or_given_by_id(tmp_path: Path) -> None:
    """And what does not exist is answered with what does."""
    async with serving(tmp_path):
        client = open_cloud()
        registries, networks = Registries(client), Networks(client)
        made = await registries.create_instance("demo", "basic", protected=False)
        vpc = await networks.create_vpc("office", "10.0.0.0/16")
        subnet = await networks.create_subnet(vpc, "pods", "10.0.1.0/24", "")

        assert (await registries.instance("demo")).registry_id == made
        assert (await registries.instance(made)).registry_name == "demo"
        assert await networks.vpc("office") == await networks.vpc("") == vpc
        assert await networks.subnet(vpc, subnet.subnet_id) == await networks.subnet(vpc, "pods")
        for lookup in (registries.instance("other"), networks.vpc("x"), networks.subnet(vpc, "x")):
            with pytest.raises(Problem, match=r"demo|office|pods"):
                await lookup


async def test_waiting_ends_with_what_was_waited_for_or_in_time(tmp_path: Path) -> None:
    """A link that nobody asked for never comes."""
    async with serving(tmp_path):
        registries = Registries(open_cloud())
        made = await registries.create_instance("demo", "basic", protected=False)
        instance = await until_running(registries, made, PATIENCE)
        with pytest.raises(Problem) as problem:
            await until_linked(registries, instance, "vpc-none", 0.05)

        assert instance.status == "Running"
        assert problem.value.code == "cloud-too-slow"
