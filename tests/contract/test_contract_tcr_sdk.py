"""The registry product, driven by the official SDK and by tccli: every action, in the order of use.

From an empty region to an instance with credentials, images, a way in for the public and one for a
VPC, and back. The registry is real; the agent does at once what is asked of it.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.cloud_registry import Pusher, real_registry
from tests.clouds import ServedCloud, serving
from tests.registry_calls import write_certificates
from tests.tencent_clients import Client, RefusedError, by_sdk, by_tccli

from towline.cloud.context import Resources
from towline.cloud.tcr.product import ACTIONS

ALLOWED = [{"CidrBlock": "198.51.100.0/24", "Description": "b"}, {"CidrBlock": "203.0.113.9"}]
PULL = [{"Resource": "apps", "Actions": ["tcr:PullRepository"]}]
WEB = {"NamespaceName": "apps", "RepositoryName": "web"}


@asynccontextmanager
async def pushing(resources: Resources, login: tuple[str, str]) -> AsyncIterator[Pusher]:
    """A client that pushes to `apps/web` with a user name and a password, as docker does."""
    (instance,) = resources.instances.list()
    headers = {"Authorization": f"Basic {base64.b64encode(':'.join(login).encode()).decode()}"}
    door = f"http://127.0.0.1:{instance.loopback_port}"
    async with aiohttp.ClientSession(door, raise_for_status=True) as http:
        scope = {"scope": "repository:apps/web:pull,push"}
        async with http.get("/service/token", params=scope, headers=headers) as answer:
            token = (await answer.json())["token"]
        yield Pusher(http, "apps/web", {"Authorization": f"Bearer {token}"})


async def instance(client: Client) -> dict[str, str]:
    """An instance that runs, of a larger edition than it was made with; its id as a parameter."""
    regions = await client("DescribeRegions")
    assert [one["RegionName"] for one in regions["Regions"]] == ["ap-guangzhou"]
    checked = await client("CheckInstanceName", RegistryName="demo")
    assert (checked["IsValidated"], checked["DetailCode"]) == (True, 0)
    made = await client("CreateInstance", RegistryName="demo", RegistryType="basic")
    registry = {"RegistryId": str(made["RegistryId"])}
    await client.until(
        "DescribeInstanceStatus",
        lambda one: one["RegistryStatusSet"][0]["Status"] == "Running",
        RegistryIds=[registry["RegistryId"]],
    )
    await client("ModifyInstance", RegistryType="standard", **registry)
    (shown,) = (await client("DescribeInstances", Limit=200))["Registries"]
    assert (shown["RegistryType"], shown["TagSpecification"]["Tags"]) == ("standard", [])
    assert (await client("CheckInstance", **registry))["IsValidated"] is True
    prepaid = {"Period": 1, "RenewFlag": 0}
    with pytest.raises(RefusedError, match="UnsupportedOperation"):
        await client("RenewInstance", RegistryChargePrepaid=prepaid, Flag=0, **registry)
    return registry


async def namespace(client: Client, registry: dict[str, str]) -> None:
    """The namespace `apps`, public for a while."""
    await client("CreateNamespace", NamespaceName="apps", IsPublic=True, **registry)
    await client("ModifyNamespace", NamespaceName="apps", IsPublic=False, **registry)
    (shown,) = (await client("DescribeNamespaces", **registry))["NamespaceList"]
    assert (shown["Name"], shown["Public"]) == ("apps", False)


async def tokens(client: Client, registry: dict[str, str]) -> tuple[str, str]:
    """A long-term token that was off for a while; the login."""
    made = await client("CreateInstanceToken", TokenType="longterm", Desc="ci", **registry)
    id_ = {"TokenId": made["TokenId"], **registry}
    await client("ModifyInstanceToken", Enable=False, **id_)
    off = (await client("DescribeInstanceToken", **registry))["Tokens"][0]
    await client("ModifyInstanceToken", Enable=True, ModifyFlag=2, **id_)
    await client("ModifyInstanceToken", Desc="builds", ModifyFlag=1, **id_)
    (shown,) = (await client("DescribeInstanceToken", **registry))["Tokens"]
    assert (off["Enabled"], shown["Enabled"], shown["Desc"]) == (False, True, "builds")
    return made["Username"], made["Token"]


async def accounts(client: Client, registry: dict[str, str]) -> None:
    """A service account whose rights, end and password change."""
    account = {"Name": "bot", **registry}
    made = await client("CreateServiceAccount", Permissions=PULL, **account)
    assert made["Name"] == "tcr$bot"
    await client("ModifyServiceAccount", Description="robot", Duration=30, **account)
    changed = await client(
        "ModifyServiceAccountPassword", Random=False, Password="Abcdefg1", **account
    )
    assert changed["Password"] == "Abcdefg1"
    listed = await client("DescribeServiceAccounts", EmbedPermission=True, **registry)
    (shown,) = listed["ServiceAccounts"]
    assert (shown["Description"], shown["Permissions"]) == ("robot", PULL)
    await client("DeleteServiceAccount", **account)


async def images(client: Client, registry: dict[str, str], push: Pusher) -> None:
    """Images that were pushed are listed, opened, copied, and deleted."""
    await client("CreateRepository", BriefDescription="site", **WEB, **registry)
    for number in range(1, 4):
        await push.image(f"v{number}", b"%d" % number, labels={"number": str(number)})
    await client("ModifyRepository", BriefDescription="b", Description="d", **WEB, **registry)
    (repository,) = (await client("DescribeRepositories", **registry))["RepositoryList"]
    assert (repository["Name"], repository["Description"]) == ("apps/web", "d")
    found = await client("DescribeImages", ImageVersion="v", Limit=2, Offset=2, **WEB, **registry)
    assert [one["ImageVersion"] for one in found["ImageInfoList"]] == ["v1"]
    opened = await client("DescribeImageManifests", ImageVersion="v2", **WEB, **registry)
    assert opened["Labels"] == [{"Key": "number", "Value": "2"}]
    source = {"SourceNamespace": "apps", "SourceRepo": "web", "SourceReference": "v2"}
    await client("DuplicateImage", DestinationTag="stable", Override=False, **source, **registry)
    await client("DeleteImage", ImageVersion="v1", **WEB, **registry)
    await client("DeleteRepositoryTags", Tags=["v3"], **WEB, **registry)
    left = (await client("DescribeImages", **WEB, **registry))["ImageInfoList"]
    assert {one["ImageVersion"] for one in left} == {"v2", "stable"}
    await client("DeleteRepository", **WEB, **registry)


async def public(client: Client, registry: dict[str, str]) -> None:
    """The public endpoint is opened, somebody is let in, and it is closed again."""
    await client("ManageExternalEndpoint", Operation="Create", **registry)
    status = "DescribeExternalEndpointStatus"
    await client.until(status, lambda one: one["Status"] == "Opened", **registry)
    await client("CreateSecurityPolicy", CidrBlock="0.0.0.0/0", Description="trial", **registry)
    many = [{"Description": "", **one} for one in ALLOWED]
    await client("CreateMultipleSecurityPolicy", SecurityGroupPolicySet=many, **registry)
    other = {"PolicyIndex": 1, "CidrBlock": "198.51.100.7", "Description": "c"}
    await client("ModifySecurityPolicy", **other, **registry)
    await client("DeleteSecurityPolicy", CidrBlock="0.0.0.0/0", **registry)
    shown = (await client("DescribeSecurityPolicies", **registry))["SecurityPolicySet"]
    assert [(one["PolicyIndex"], one["CidrBlock"]) for one in shown] == [
        (0, "198.51.100.7"),
        (1, "203.0.113.9"),
    ]
    gone = [{"CidrBlock": one["CidrBlock"]} for one in shown]
    await client("DeleteMultipleSecurityPolicy", SecurityGroupPolicySet=gone, **registry)
    assert not (await client("DescribeSecurityPolicies", **registry))["SecurityPolicySet"]
    await client("ManageExternalEndpoint", Operation="Delete", **registry)
    await client.until(status, lambda one: one["Status"] == "Closed", **registry)
    with pytest.raises(RefusedError, match="Failed to get security group id from registry"):
        await client("DescribeSecurityPolicies", **registry)


async def domains(client: Client, registry: dict[str, str]) -> None:
    """One more name, which the registry serves, and its end."""
    name = {"DomainName": "images.example.com", "CertificateId": "towline", **registry}
    await client("CreateInstanceCustomizedDomain", **name)
    listing = "DescribeInstanceCustomizedDomain"
    shown = await client.until(
        listing, lambda one: one["DomainInfoList"][0]["Status"] == "SUCCESS", **registry
    )
    assert shown["DomainInfoList"][0]["CertId"] == "towline"
    await client("DeleteInstanceCustomizedDomain", **name)
    await client.until(listing, lambda one: not one["TotalCount"], **registry)


async def private(client: Client, networks: Client, registry: dict[str, str]) -> None:
    """A link into a VPC, its resolution, and both away again."""
    vpc = (await networks("CreateVpc", VpcName="v", CidrBlock="10.0.0.0/16"))["Vpc"]["VpcId"]
    place = {"VpcId": vpc, "SubnetName": "s", "Zone": "ap-guangzhou-1"}
    subnet = (await networks("CreateSubnet", CidrBlock="10.0.0.0/24", **place))["Subnet"]
    link = {"VpcId": vpc, "SubnetId": subnet["SubnetId"], **registry}
    await client("ManageInternalEndpoint", Operation="Create", **link)
    listing = "DescribeInternalEndpoints"
    linked = await client.until(listing, lambda one: one["AccessVpcSet"][0]["AccessIp"], **registry)
    domain = {
        "InstanceId": registry["RegistryId"],
        "VpcId": vpc,
        "EniLBIp": linked["AccessVpcSet"][0]["AccessIp"],
        "UsePublicDomain": True,
    }
    await client("CreateInternalEndpointDns", **domain)
    shown = await client("DescribeInternalEndpointDnsStatus", VpcSet=[domain])
    assert [one["Status"] for one in shown["VpcSet"]] == ["ENABLED"]
    await client("DeleteInternalEndpointDns", **domain)
    await client("ManageInternalEndpoint", Operation="Delete", **link)
    await client.until(listing, lambda one: not one["TotalCount"], **registry)


def clients(cloud: ServedCloud, tool: str, home: Path) -> tuple[Client, Client]:
    """The clients of the registry's product and of the network's."""
    if tool == "tccli":
        return Client(by_tccli(cloud, "tcr", home)), Client(by_tccli(cloud, "vpc", home))
    sdk: dict[str, Any] = {"tcr": "v20190924", "vpc": "v20170312"}
    tcr, vpc = (Client(by_sdk(cloud, product, version)) for product, version in sdk.items())
    return tcr, vpc


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("tool", ["sdk", "tccli"])
async def test_every_action_of_the_registry_product_works(tmp_path: Path, tool: str) -> None:
    """From an empty region to an instance in use, and back to an empty region."""
    await asyncio.to_thread(write_certificates, tmp_path)
    async with serving(tmp_path, real_registry(tmp_path)) as cloud:
        client, networks = clients(cloud, tool, tmp_path)
        registry = await instance(client)
        await namespace(client, registry)
        login = await tokens(client, registry)
        await accounts(client, registry)
        async with pushing(cloud.resources, login) as push:
            await images(client, registry, push)
        await public(client, registry)
        await domains(client, registry)
        await private(client, networks, registry)
        (token,) = (await client("DescribeInstanceToken", **registry))["Tokens"]
        await client("DeleteInstanceToken", TokenId=token["Id"], **registry)
        await client("DeleteNamespace", NamespaceName="apps", **registry)
        await client("DeleteInstance", **registry)
        await client.until("DescribeInstances", lambda one: not one["TotalCount"])

        assert client.used == set(ACTIONS)
        assert cloud.resources.instances.list() == ()
        assert cloud.resources.public_endpoints.list() == ()
