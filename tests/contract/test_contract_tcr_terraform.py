"""What Terraform's provider for this cloud does, replayed: what it polls, and what may not be null.

The provider dereferences what it reads without looking, so a null is a panic there; it compares texts
with its own; and it ends a list when a page has fewer entries than it asked for. Its loops, as its
source has them, are the steps of this chapter.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.clouds import ACCESS_IP, ServedCloud, serving
from tests.registry_role import instance
from tests.tencent_clients import Client, RefusedError, by_sdk

PAGE = 200  # what the provider asks for, though 100 is documented
POLICY = ("CidrBlock", "Description", "PolicyIndex", "PolicyVersion")
REGISTRY = (
    "RegistryId",
    "RegistryName",
    "RegistryType",
    "Status",
    "PublicDomain",
    "InternalEndpoint",
    "DeletionProtection",
    "TagSpecification",
)


@dataclass(frozen=True)
class Provider:
    """The provider's own steps."""

    tcr: Client
    vpc: Client
    cloud: ServedCloud

    async def all(self, action: str, key: str, **asked: Any) -> list[dict[str, Any]]:
        """Every entry of a list: pages of 200 until one is not full."""
        found, offset = list[dict[str, Any]](), 0
        while True:
            page = (await self.tcr(action, Offset=offset, Limit=PAGE, **asked))[key]
            found += page
            if len(page) < PAGE:
                return found
            offset += PAGE

    async def registry(self, name: str, **more: Any) -> dict[str, str]:
        """`tencentcloud_tcr_instance`: created, waited for, found by its name; its id."""
        made = await self.tcr("CreateInstance", RegistryName=name, RegistryType="basic", **more)
        registry = {"RegistryId": str(made["RegistryId"])}
        by_id = {"Registryids": [registry["RegistryId"]], "AllRegion": True}
        await self.tcr.until("DescribeInstances", _is_running, **by_id)
        by_name = [{"Name": "RegistryName", "Values": [name]}]
        (found,) = await self.all("DescribeInstances", "Registries", Filters=by_name)
        assert_whole([found], REGISTRY)
        assert found["TagSpecification"]["Tags"] is not None
        return registry

    async def open_endpoint(self, registry: dict[str, str]) -> list[str]:
        """`open_public_operation = true`; the states that were seen on the way."""
        await self.tcr("ManageExternalEndpoint", Operation="Create", **registry)
        seen = list[str]()

        def is_opened(answer: dict[str, Any]) -> bool:
            seen.append(str(answer["Status"]))
            return seen[-1] == "Opened"

        await self.tcr.until("DescribeExternalEndpointStatus", is_opened, **registry)
        return seen

    async def policies(self, registry: dict[str, str]) -> list[dict[str, Any]]:
        """The allowlist; none while the endpoint opens, where `ResourceNotFound` is tolerated."""
        try:
            answer = await self.tcr("DescribeSecurityPolicies", **registry)
        except RefusedError as error:
            assert str(error).startswith("ResourceNotFound ")
            return []
        found: list[dict[str, Any]] = answer["SecurityPolicySet"]
        assert_whole(found, POLICY)
        return found

    async def network(self) -> dict[str, str]:
        """A VPC with a subnet; their ids."""
        vpc = (await self.vpc("CreateVpc", VpcName="v", CidrBlock="10.0.0.0/16"))["Vpc"]["VpcId"]
        place = {"VpcId": vpc, "SubnetName": "s", "Zone": "ap-guangzhou-1"}
        made = await self.vpc("CreateSubnet", CidrBlock="10.0.0.0/24", **place)
        return {"VpcId": vpc, "SubnetId": made["Subnet"]["SubnetId"]}


def assert_whole(items: Iterable[dict[str, Any]], names: Iterable[str]) -> None:
    """Nothing that the provider dereferences is null, or missing."""
    for item in items:
        assert [name for name in names if item.get(name) is None] == []


def _is_running(answer: dict[str, Any]) -> bool:
    return bool(answer["Registries"][0]["Status"] == "Running")


@asynccontextmanager
async def provider(folder: Path) -> AsyncIterator[Provider]:
    """The provider at a cloud of its own."""
    async with serving(folder) as cloud:
        tcr, vpc = by_sdk(cloud, "tcr", "v20190924"), by_sdk(cloud, "vpc", "v20170312")
        yield Provider(Client(tcr), Client(vpc), cloud)


async def test_an_instance_is_waited_for_and_found(tmp_path: Path) -> None:
    """With its tags, which are never null; gone means an empty list or `ResourceNotFound`."""
    async with provider(tmp_path) as terraform:
        tags = {"ResourceType": "instance", "Tags": [{"Key": "team", "Value": "a"}]}
        registry = await terraform.registry("demo", TagSpecification=tags, DeletionProtection=True)
        (shown,) = await terraform.all("DescribeInstances", "Registries", AllRegion=True)
        await terraform.tcr("ModifyInstance", DeletionProtection=False, **registry)
        await terraform.tcr("DeleteInstance", DeleteBucket=True, **registry)
        gone = {"Registryids": [registry["RegistryId"]]}
        await terraform.tcr.until("DescribeInstances", lambda one: not one["Registries"], **gone)

        assert shown["TagSpecification"]["Tags"] == tags["Tags"]
        assert shown["DeletionProtection"] is True


async def test_a_full_page_of_two_hundred_is_followed_by_another(tmp_path: Path) -> None:
    """A page that were cut at the documented hundred would be taken for the last."""
    async with provider(tmp_path) as terraform:
        resources = terraform.cloud.resources
        made = [instance(f"registry-{number}") for number in range(PAGE + 1)]
        await resources.store.apply([resources.instances.creation("", one.id, one) for one in made])

        assert len(await terraform.all("DescribeInstances", "Registries")) == PAGE + 1


async def test_the_public_endpoint_is_polled_until_it_is_open(tmp_path: Path) -> None:
    """Through `Opening` only; meanwhile there is no allowlist, and later an empty one."""
    async with provider(tmp_path) as terraform:
        registry = await terraform.registry("demo")
        before = await terraform.policies(registry)
        seen = await terraform.open_endpoint(registry)
        opened = await terraform.policies(registry)
        await terraform.tcr("ManageExternalEndpoint", Operation="Delete", **registry)
        closed = await terraform.tcr.until(
            "DescribeExternalEndpointStatus", lambda one: one["Status"] == "Closed", **registry
        )

        assert set(seen) <= {"Opening", "Opened"}
        assert (before, opened) == ([], [])
        assert closed["Reason"] is not None


async def test_an_allowlist_entry_is_found_by_its_own_text(tmp_path: Path) -> None:
    """`tencentcloud_tcr_...` remembers the CIDR as its owner wrote it, and deletes by it even when
    others have moved up meanwhile.
    """
    async with provider(tmp_path) as terraform:
        registry = await terraform.registry("demo")
        await terraform.open_endpoint(registry)
        texts = ["203.0.113.9", "198.51.100.0/24", "192.0.2.7/32"]
        for text in texts:
            await terraform.tcr("CreateSecurityPolicy", CidrBlock=text, Description="a", **registry)
        read = {one["CidrBlock"]: one for one in await terraform.policies(registry)}
        await asyncio.gather(
            *(
                terraform.tcr(
                    "DeleteSecurityPolicy",
                    PolicyIndex=one["PolicyIndex"],
                    PolicyVersion=one["PolicyVersion"],
                    CidrBlock=one["CidrBlock"],
                    **registry,
                )
                for one in read.values()
            )
        )

        assert list(read) == texts
        assert await terraform.policies(registry) == []


async def test_a_link_shows_at_once_and_its_address_later(tmp_path: Path) -> None:
    """With an empty text until it is there; only then its names are switched on, one per call."""
    async with provider(tmp_path) as terraform:
        registry, place = await terraform.registry("demo"), await terraform.network()
        # The provider sends a region of 0 and "" when it has none.
        link = {**registry, **place, "RegionId": 0, "RegionName": ""}
        await terraform.tcr("ManageInternalEndpoint", Operation="Create", **link)
        first = await terraform.tcr("DescribeInternalEndpoints", **registry)
        linked = await terraform.tcr.until(
            "DescribeInternalEndpoints", lambda one: one["AccessVpcSet"][0]["AccessIp"], **registry
        )
        (access,) = linked["AccessVpcSet"]
        domain = {
            "InstanceId": registry["RegistryId"],
            "VpcId": access["VpcId"],
            "EniLBIp": access["AccessIp"],
            "UsePublicDomain": True,
            "RegionName": "",
        }
        await terraform.tcr("CreateInternalEndpointDns", **domain)
        status = await terraform.tcr("DescribeInternalEndpointDnsStatus", VpcSet=[domain])

        assert_whole(first["AccessVpcSet"], ("VpcId", "SubnetId", "Status", "AccessIp"))
        assert access["AccessIp"] == ACCESS_IP
        assert [one["Status"] for one in status["VpcSet"]] == ["ENABLED"]


async def test_a_namespace_is_made_and_changed_with_every_field(tmp_path: Path) -> None:
    """Also with those that mean nothing here, as long as they ask for nothing."""
    async with provider(tmp_path) as terraform:
        registry = await terraform.registry("demo")
        more = {
            "IsAutoScan": False,
            "IsPreventVUL": False,
            "Severity": "medium",
            "CVEWhitelistItems": [],
        }
        name = {"NamespaceName": "apps", **registry}
        await terraform.tcr("CreateNamespace", IsPublic=False, **more, **name)
        await terraform.tcr("ModifyNamespace", IsPublic=True, **more, **name)
        (shown,) = (await terraform.tcr("DescribeNamespaces", Limit=PAGE, Offset=1, **registry))[
            "NamespaceList"
        ]

        assert_whole([shown], ("Name", "Public", "CreationTime", "TagSpecification", "Metadata"))
        assert shown["Public"] is True


async def test_what_is_there_already_has_the_codes_that_the_provider_knows(tmp_path: Path) -> None:
    """It retries some, and gives up on these."""
    async with provider(tmp_path) as terraform:
        registry = await terraform.registry("demo")
        name = {"NamespaceName": "apps", "IsPublic": False, **registry}
        await terraform.tcr("CreateNamespace", **name)
        with pytest.raises(RefusedError, match="ErrorTcrResourceConflict"):
            await terraform.tcr("CreateNamespace", **name)
        with pytest.raises(RefusedError, match=r"InvalidParameter\.ErrorNameExists"):
            await terraform.tcr("CreateInstance", RegistryName="demo", RegistryType="basic")
        with pytest.raises(RefusedError, match=r"ResourceNotFound\.TcrResourceNotFound"):
            await terraform.tcr("DeleteInstanceToken", TokenId="none", **registry)
