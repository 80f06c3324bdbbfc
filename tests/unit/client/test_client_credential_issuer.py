"""The cloud as the cluster's issuer of pull credentials."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import aiohttp
import pytest
from tests.cloud_registry import Pusher, real_registry
from tests.clouds import SECRET_ID, SECRET_KEY, UIN, serving
from tests.registry_calls import write_certificates

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


async def test_a_credential_pulls_from_every_namespace_until_it_is_revoked_and_never_pushes(
    tmp_path: Path,
) -> None:
    """At the real registry; from namespaces made after it was released, too."""
    await asyncio.to_thread(write_certificates, tmp_path)
    async with serving(tmp_path, real_registry(tmp_path)) as cloud:
        client = CloudClient(cloud.endpoint, SECRET_ID, SECRET_KEY, "ap-guangzhou")
        registries, issuer = Registries(client), CloudCredentialIssuer(client, time.time)
        made = await registries.create_instance("demo", "basic", protected=False)
        instance = await until_running(registries, made, 20)
        released = await issuer.issue("demo", "shop")
        await registries.create_namespace(instance, "later", public=False)
        everything = await registries.create_token(instance, "ci", temporary=True)
        door = (await registries.door(instance)).loopback_endpoint
        async with aiohttp.ClientSession(door) as http:
            owner = await _client(http, everything.username, everything.password)
            await owner.image("1")
            pods = await _client(http, released.username, released.password)
            pulled = await _status(pods, "GET", "manifests/1")
            pushed = await _status(pods, "POST", "blobs/uploads/")
            deleted = await _status(pods, "DELETE", "manifests/1")
            await issuer.revoke(made, released.credential_id)
            revoked = await _client(http, released.username, released.password)
            pulled_after = await _status(revoked, "GET", "manifests/1")

        assert pulled == (200, False)
        assert [pushed, deleted, pulled_after] == [(401, True)] * 3


async def test_revoking_what_has_gone_is_well(tmp_path: Path) -> None:
    """A credential that has run out, and one whose instance has been deleted."""
    async with serving(tmp_path) as cloud:
        client = CloudClient(cloud.endpoint, SECRET_ID, SECRET_KEY, "ap-guangzhou")
        registries, issuer = Registries(client), CloudCredentialIssuer(client, time.time)
        made = await registries.create_instance("demo", "basic", protected=False)
        await until_running(registries, made, 5)
        login = await issuer.issue("demo", "shop")
        for instance_id in (made, made, "tcr-none"):
            await issuer.revoke(instance_id, login.credential_id)

        assert cloud.resources.credentials.list() == ()


async def test_revoking_without_an_answer_is_a_problem() -> None:
    """It has to be tried again."""
    client = CloudClient("http://127.0.0.1:1", SECRET_ID, SECRET_KEY, "ap-guangzhou")
    with pytest.raises(Problem) as problem:
        await CloudCredentialIssuer(client, time.time).revoke("tcr-demo", "credential")

    assert problem.value.code == "cloud-unreachable"


async def _client(http: aiohttp.ClientSession, username: str, password: str) -> Pusher:
    """Somebody who asks for everything in `later/app`, and gets what the login may do."""
    wanted = {"scope": "repository:later/app:pull,push,delete"}
    headers = {"Authorization": aiohttp.encode_basic_auth(username, password)}
    async with http.get("/service/token", params=wanted, headers=headers) as answer:
        token = (await answer.json())["token"]
    return Pusher(http, "later/app", {"Authorization": f"Bearer {token}"})


async def _status(client: Pusher, method: str, path: str) -> tuple[int, bool]:
    """What is answered, and whether it says that the login's scope is insufficient."""
    url = f"/v2/{client.repository}/{path}"
    async with client.http.request(method, url, headers=client.headers) as answer:
        challenge = answer.headers.get("WWW-Authenticate", "")
        return answer.status, 'error="insufficient_scope"' in challenge


async def test_an_unknown_instance_is_a_problem(tmp_path: Path) -> None:
    """With a remedy, for the namespace's events."""
    async with serving(tmp_path) as cloud:
        client = CloudClient(cloud.endpoint, SECRET_ID, SECRET_KEY, "ap-guangzhou")
        with pytest.raises(Problem) as problem:
            await CloudCredentialIssuer(client, time.time).issue("demo", "shop")

        assert problem.value.code == "no-such-instance"
