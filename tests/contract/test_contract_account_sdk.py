"""The official SDK's clients for keys and temporary credentials, unchanged."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tencentcloud.cam.v20190116 import models as cam
from tencentcloud.cam.v20190116.cam_client import CamClient
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.sts.v20180813 import models as sts
from tencentcloud.sts.v20180813.sts_client import StsClient
from tencentcloud.vpc.v20170312 import models as vpc
from tencentcloud.vpc.v20170312.vpc_client import VpcClient
from tests.clouds import SECRET_ID, SECRET_KEY, UIN, ServedCloud, serving

READ_ONLY = (
    '{"version":"2.0","statement":[{"effect":"allow","action":["vpc:Describe*"],"resource":"*"}]}'
)
CLIENTS: dict[str, tuple[Any, Any]] = {
    "cam": (cam, CamClient),
    "sts": (sts, StsClient),
    "vpc": (vpc, VpcClient),
}


async def ask(
    cloud: ServedCloud, credential: Credential, product: str, action: str, **params: Any
) -> Any:
    """Call an action as the SDK does."""
    models, client = CLIENTS[product]
    profile = ClientProfile(httpProfile=HttpProfile(endpoint=cloud.endpoint))
    request = getattr(models, f"{action}Request")()
    request.from_json_string(json.dumps(params))
    calling = getattr(client(credential, "ap-guangzhou", profile), action)
    return await asyncio.to_thread(calling, request)


async def test_the_sdk_manages_keys(tmp_path: Path) -> None:
    """Made, used, disabled, deleted."""
    own = Credential(SECRET_ID, SECRET_KEY)
    async with serving(tmp_path) as cloud:
        made = (await ask(cloud, own, "cam", "CreateAccessKey", Description="ci")).AccessKey
        key = Credential(made.AccessKeyId, made.SecretAccessKey)
        who = await ask(cloud, key, "sts", "GetCallerIdentity")
        listed = (await ask(cloud, own, "cam", "ListAccessKeys")).AccessKeys
        asked = {"AccessKeyId": made.AccessKeyId, "Status": "Inactive"}
        await ask(cloud, own, "cam", "UpdateAccessKey", **asked)
        with pytest.raises(TencentCloudSDKException) as refused:
            await ask(cloud, key, "vpc", "DescribeVpcs")
        await ask(cloud, own, "cam", "DeleteAccessKey", AccessKeyId=made.AccessKeyId)

    assert who.AccountId == UIN
    assert {one.AccessKeyId for one in listed} == {SECRET_ID, made.AccessKeyId}
    assert refused.value.get_code() == "AuthFailure.SecretIdNotFound"


async def test_the_sdk_uses_temporary_credentials(tmp_path: Path) -> None:
    """It sends their token, and may do what their policy allows and nothing else."""
    own = Credential(SECRET_ID, SECRET_KEY)
    async with serving(tmp_path) as cloud:
        given = await ask(cloud, own, "sts", "GetFederationToken", Name="guest", Policy=READ_ONLY)
        lent = given.Credentials
        guest = Credential(lent.TmpSecretId, lent.TmpSecretKey, lent.Token)
        seen = await ask(cloud, guest, "vpc", "DescribeVpcs")
        with pytest.raises(TencentCloudSDKException) as refused:
            await ask(cloud, guest, "vpc", "CreateVpc", VpcName="v", CidrBlock="10.0.0.0/16")
        without = Credential(lent.TmpSecretId, lent.TmpSecretKey)
        with pytest.raises(TencentCloudSDKException) as unknown:
            await ask(cloud, without, "vpc", "DescribeVpcs")
        audited = cloud.resources.audit.list("")

    assert seen.TotalCount == 0
    assert refused.value.get_code() == "UnauthorizedOperation"
    assert unknown.value.get_code() == "AuthFailure.SecretIdNotFound"
    assert [(one.action, one.session) for one in audited][-1] == ("CreateVpc", "guest")
