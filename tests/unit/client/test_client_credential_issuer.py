"""The cloud as the cluster's issuer of pull credentials."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tests.clouds import SECRET_ID, SECRET_KEY, UIN, serving

from towline.client.cloud import CloudClient
from towline.client.cloud_registry import Registries
from towline.client.cloud_wait import until_running
from towline.client.credential_issuer import CloudCredentialIssuer
from towline.cluster.credential import CredentialIssuer
from towline.problem import Problem
from towline.resource.credential import digest_of_secret

HOUR = 3600.0
SECOND = 1.0


async def test_a_credential_is_for_both_domains_and_lives_an_hour(tmp_path: Path) -> None:
    """Each call makes a new one; the older one stays in force."""
    async with serving(tmp_path) as cloud:
        client = CloudClient(cloud.endpoint, SECRET_ID, SECRET_KEY, "ap-guangzhou")
        registries = Registries(client)
        made = await registries.create_instance("demo", "basic", protected=False)
        await until_running(registries, made, 5)
        issuer: CredentialIssuer = CloudCredentialIssuer(client, time.time)
        first, second = await issuer.issue("demo", "shop"), await issuer.issue(made, "shop")
        kept = {one.secret_sha256 for one in cloud.resources.credentials.list(made)}

        assert first.servers == ("demo.tencentcloudcr.com", "demo-vpc.tencentcloudcr.com")
        assert (first.instance_id, first.account, first.username) == (made, UIN, UIN)
        assert first.expires_at - first.issued_at == pytest.approx(HOUR, abs=SECOND)
        assert kept == {digest_of_secret(one.password) for one in (first, second)}


async def test_an_unknown_instance_is_a_problem(tmp_path: Path) -> None:
    """With a remedy, for the namespace's events."""
    async with serving(tmp_path) as cloud:
        client = CloudClient(cloud.endpoint, SECRET_ID, SECRET_KEY, "ap-guangzhou")
        with pytest.raises(Problem) as problem:
            await CloudCredentialIssuer(client, time.time).issue("demo", "shop")

        assert problem.value.code == "no-such-instance"
