"""The official SDK as a client: what its users write works here unchanged.

The SDK is Tencent's own, from PyPI; it signs, serializes and reads by itself.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tencentcloud.common.abstract_client import AbstractClient
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.tcr.v20190924 import models as tcr
from tencentcloud.tcr.v20190924.tcr_client import TcrClient
from tencentcloud.vpc.v20170312 import models as vpc
from tencentcloud.vpc.v20170312.vpc_client import VpcClient
from tests.clouds import ACCESS_IP, SECRET_ID, SECRET_KEY, UIN, ServedCloud, serving

Call = Callable[..., Awaitable[Any]]


def profile(cloud: ServedCloud, style: str) -> HttpProfile:
    """The ways in which users point the SDK at an endpoint of their own."""
    if style == "odd-host":  # Host: http://127.0.0.1:PORT, as tccli does
        return HttpProfile(endpoint=cloud.endpoint)
    bare = cloud.endpoint.removeprefix("http://")
    method = "GET" if style == "get" else "POST"
    return HttpProfile(protocol="http", endpoint=bare, reqMethod=method)


def caller(cloud: ServedCloud, style: str = "odd-host", key: str = SECRET_KEY) -> Call:
    """A function that calls an action of either product with the SDK."""
    settings = ClientProfile(httpProfile=profile(cloud, style))
    credential = Credential(SECRET_ID, key)
    clients: list[tuple[Any, AbstractClient]] = [
        (tcr, TcrClient(credential, "ap-guangzhou", settings)),
        (vpc, VpcClient(credential, "ap-guangzhou", settings)),
    ]

    async def call(action: str, **params: Any) -> Any:
        models, client = next(pair for pair in clients if hasattr(pair[1], action))
        request = getattr(models, f"{action}Request")()
        request.from_json_string(json.dumps(params))
        return await asyncio.to_thread(getattr(client, action), request)

    return call


async def until(look: Callable[[], Awaitable[Any]]) -> Any:
    """Poll, as the SDK's users do."""
    async with asyncio.timeout(10):
        while True:
            found = await look()
            if found:
                return found
            await asyncio.sleep(0.02)


async def running(call: Call, name: str) -> str:
    """Create an instance and wait for it."""
    registry_id: str = (
        await call("CreateInstance", RegistryName=name, RegistryType="basic")
    ).RegistryId

    async def look() -> bool:
        registries = (await call("DescribeInstances", Registryids=[registry_id])).Registries
        return bool(registries[0].Status == "Running")

    await until(look)
    return registry_id


@pytest.mark.parametrize("style", ["odd-host", "clean-host", "get"])
async def test_every_way_of_pointing_the_sdk_here_works(tmp_path: Path, style: str) -> None:
    """Numbers, booleans and nested filters survive it."""
    async with serving(tmp_path) as cloud:
        call = caller(cloud, style)
        made = await call("CreateVpc", VpcName="office", CidrBlock="10.0.0.0/16")
        filters = [{"Name": "vpc-name", "Values": ["office", "other"]}]
        found = await call("DescribeVpcs", Filters=filters, Offset="0", Limit="5")
        none = await call("DescribeInstances", Limit=5, AllRegion=True)

        assert [one.VpcId for one in found.VpcSet] == [made.Vpc.VpcId]
        assert none.TotalCount == 0
        assert none.RequestId


@pytest.mark.parametrize(
    ("action", "params", "code"),
    [
        pytest.param("DescribeUserQuotaPersonal", {}, "InvalidAction", id="not-offered"),
        pytest.param("CreateVpc", {"VpcName": "a"}, "MissingParameter", id="missing"),
        pytest.param("DeleteInstance", {"RegistryId": "tcr-x"}, "ResourceNotFound", id="absent"),
    ],
)
async def test_an_error_reaches_the_user_as_the_sdks_exception(
    tmp_path: Path, action: str, params: dict[str, Any], code: str
) -> None:
    """With code, message and request id; a wrong content type would swallow it."""
    async with serving(tmp_path) as cloud:
        with pytest.raises(TencentCloudSDKException) as error:
            await caller(cloud)(action, **params)

        assert error.value.get_code() == code
        assert error.value.get_request_id()


async def test_a_body_that_is_too_large_is_an_error_of_the_api(tmp_path: Path) -> None:
    """Not an HTTP status, which the SDK would take for a broken network."""
    async with serving(tmp_path) as cloud:
        with pytest.raises(TencentCloudSDKException) as error:
            await caller(cloud)("CreateVpc", VpcName="a" * 11_000_000, CidrBlock="10.0.0.0/16")

        assert error.value.get_code() == "RequestSizeLimitExceeded"


async def test_a_wrong_secret_key_is_an_authentication_failure(tmp_path: Path) -> None:
    """The signature is really verified."""
    async with serving(tmp_path) as cloud:
        with pytest.raises(TencentCloudSDKException) as error:
            await caller(cloud, key="wrong")("DescribeInstances")

        assert error.value.get_code() == "AuthFailure.SignatureFailure"


async def test_the_sdk_can_build_a_private_link(tmp_path: Path) -> None:
    """Instance, namespace, VPC, subnet, link, resolution, and all of it away again."""
    async with serving(tmp_path) as cloud:
        call = caller(cloud)
        registry_id = await running(call, "demo")
        await call("CreateNamespace", RegistryId=registry_id, NamespaceName="apps", IsPublic=False)
        vpc_id = (await call("CreateVpc", VpcName="v", CidrBlock="10.0.0.0/16")).Vpc.VpcId
        place = {"VpcId": vpc_id, "CidrBlock": "10.0.0.0/24"}
        subnet = await call("CreateSubnet", SubnetName="s", Zone="ap-guangzhou-1", **place)
        where = {"VpcId": vpc_id, "SubnetId": subnet.Subnet.SubnetId}
        link = {"RegistryId": registry_id, "RegionId": 0, "RegionName": "", **where}
        await call("ManageInternalEndpoint", Operation="Create", **link)

        async def linked() -> str:
            found = await call("DescribeInternalEndpoints", RegistryId=registry_id)
            address: str = found.AccessVpcSet[0].AccessIp
            return address

        domain = {"InstanceId": registry_id, "VpcId": vpc_id, "EniLBIp": await until(linked)}
        domain["UsePublicDomain"] = True
        await call("CreateInternalEndpointDns", **domain)
        status = (await call("DescribeInternalEndpointDnsStatus", VpcSet=[domain])).VpcSet
        with pytest.raises(TencentCloudSDKException) as too_early:
            await call("ManageInternalEndpoint", Operation="Delete", **link)
        await call("DeleteInternalEndpointDns", **domain)
        await call("ManageInternalEndpoint", Operation="Delete", **link)

        assert domain["EniLBIp"] == ACCESS_IP
        assert [(one.VpcId, one.Status) for one in status] == [(vpc_id, "ENABLED")]
        assert too_early.value.get_code() == "ResourceInsufficient.ErrorVpcDnsStatus"

        async def unlinked() -> bool:
            found = await call("DescribeInternalEndpoints", RegistryId=registry_id)
            return bool(found.TotalCount == 0)

        await until(unlinked)
        await call("DeleteNamespace", RegistryId=registry_id, NamespaceName="apps")
        await call("DeleteInstance", RegistryId=registry_id)


async def test_the_sdk_reads_credentials(tmp_path: Path) -> None:
    """A token of either kind, and a service account."""
    async with serving(tmp_path) as cloud:
        call = caller(cloud)
        registry = {"RegistryId": await running(call, "demo")}
        await call("CreateNamespace", NamespaceName="apps", IsPublic=True, **registry)
        temporary = await call("CreateInstanceToken", TokenType="temp", **registry)
        lasting = await call("CreateInstanceToken", TokenType="longterm", Desc="ci", **registry)
        rights = [{"Resource": "apps", "Actions": ["tcr:PullRepository"]}]
        account = await call("CreateServiceAccount", Name="bot", Permissions=rights, **registry)
        tokens = await call("DescribeInstanceToken", **registry)
        accounts = await call("DescribeServiceAccounts", EmbedPermission=True, **registry)
        await call("DeleteInstanceToken", TokenId=tokens.Tokens[0].Id, **registry)
        await call("DeleteServiceAccount", Name=account.Name, **registry)

        assert (temporary.Username, temporary.TokenId) == (UIN, "")
        assert [one.Id for one in tokens.Tokens] == [lasting.TokenId]
        assert accounts.ServiceAccounts[0].Name == "tcr$bot"
        assert accounts.ServiceAccounts[0].Permissions[0].Resource == "apps"
        assert (await call("DescribeNamespaces", **registry)).NamespaceList[0].Public is True


async def test_no_field_of_an_instance_is_unknown_to_the_sdk(tmp_path: Path) -> None:
    """The SDK warns of fields that it does not know, and this suite fails on warnings."""
    async with serving(tmp_path) as cloud:
        call = caller(cloud)
        await running(call, "demo")
        (registry,) = (await call("DescribeInstances")).Registries

        assert registry.TagSpecification.Tags == []
        assert registry.PublicDomain == "demo.tencentcloudcr.com"
