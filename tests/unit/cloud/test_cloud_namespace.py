"""Namespaces: created by asking, private unless said otherwise, deleted only when empty."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from tests.clouds import open_context, refused, running_instance

from towline.cloud.context import Context
from towline.cloud.tcr.instance import CreateInstance, create_instance
from towline.cloud.tcr.namespace import (
    CreateNamespace,
    DeleteNamespace,
    DescribeNamespaces,
    create_namespace,
    delete_namespace,
    describe_namespaces,
)
from towline.resource.credential import digest_of_secret


async def make(context: Context, registry_id: str, name: str, *, public: bool = False) -> None:
    """Create a namespace."""
    asked = CreateNamespace(registry_id=registry_id, namespace_name=name, is_public=public)
    await create_namespace(context, asked)


@asynccontextmanager
async def registry_with(
    context: Context, registry_id: str, *repositories: str
) -> AsyncIterator[None]:
    """A registry behind the instance's loopback door that holds some repositories."""

    async def token(request: web.Request) -> web.Response:
        login = b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
        hashes = [one.secret_sha256 for one in context.resources.credentials.list(registry_id)]
        if digest_of_secret(login.partition(":")[2]) not in hashes:
            raise web.HTTPUnauthorized
        return web.json_response({"token": "catalogue-" + request.query["scope"]})

    async def catalogue(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != "Bearer catalogue-registry:catalog:*":
            raise web.HTTPUnauthorized
        later = sorted(name for name in repositories if name > request.query["last"])
        return web.json_response({"repositories": later[: int(request.query["n"])]})

    application = web.Application()
    application.router.add_get("/service/token", token)
    application.router.add_get("/v2/_catalog", catalogue)
    async with TestServer(application) as server:
        await context.resources.instances.update(
            "",
            registry_id,
            lambda held: msgspec.structs.replace(held, loopback_port=server.port or 0),
        )
        yield


async def test_a_namespace_is_private_unless_said_otherwise(tmp_path: Path) -> None:
    """And is told with everything that the SDK reads."""
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context)
        await make(context, registry_id, "apps")
        await make(context, registry_id, "open", public=True)
        asked = DescribeNamespaces(registry_id=registry_id)
        answer = await describe_namespaces(context, asked)

        assert [(one.name, one.public) for one in answer.namespace_list] == [
            ("apps", False),
            ("open", True),
        ]
        first, second = answer.namespace_list
        assert first.creation_time == "2026-01-02T03:04:05+00:00"
        assert first.namespace_id != second.namespace_id
        assert {one.key: one.value for one in second.metadata}["public"] == "true"


async def test_namespaces_are_paged_by_number(tmp_path: Path) -> None:
    """`Offset` is a page; a name finds all that contain it."""
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context)
        for name in ("alpha", "beta", "gamma"):
            await make(context, registry_id, name)

        async def names(**asked: object) -> list[str]:
            wanted = msgspec.convert({"RegistryId": registry_id, **asked}, DescribeNamespaces)
            answer = await describe_namespaces(context, wanted)
            return [one.name for one in answer.namespace_list]

        assert await names(Limit=2, Offset=1) == ["alpha", "beta"]
        assert await names(Limit=2, Offset=2) == ["gamma"]
        assert await names(Limit=1, All=True) == ["alpha", "beta", "gamma"]
        assert await names(NamespaceName="et") == ["beta"]
        assert await names(Filters=[{"Name": "NamespaceName", "Values": ["gamma"]}]) == ["gamma"]


@pytest.mark.parametrize("name", ["a", "a" * 31, "-ab", "ab-", "a..b", "A1", "a/b", "ab\n"])
async def test_a_bad_name_is_refused(tmp_path: Path, name: str) -> None:
    """2 to 30 characters, separators only between others."""
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context)
        with refused("InvalidParameter.ErrorTcrInvalidParameter"):
            await make(context, registry_id, name)


async def test_a_namespace_cannot_be_created_twice_or_nowhere(tmp_path: Path) -> None:
    """Nor before the instance runs."""
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context)
        await make(context, registry_id, "apps")
        waiting = CreateInstance(registry_name="waiting", registry_type="basic")
        pending = (await create_instance(context, waiting)).registry_id
        with refused("FailedOperation.ErrorTcrResourceConflict"):
            await make(context, registry_id, "apps")
        with refused("ResourceNotFound"):
            await make(context, "tcr-none", "apps")
        with refused("ResourceInsufficient.ErrorInstanceNotRunning"):
            await make(context, pending, "apps")


async def test_an_edition_has_its_quota(tmp_path: Path) -> None:
    """Fifty namespaces in the basic one."""
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context)
        for number in range(50):
            await make(context, registry_id, f"n{number:02}")
        with refused("OperationDenied.QuotaOverLimit"):
            await make(context, registry_id, "one-more")


async def test_a_namespace_with_repositories_is_not_deleted(tmp_path: Path) -> None:
    """The registry is asked, with a credential that is gone afterwards."""
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context)
        await make(context, registry_id, "apps")
        await make(context, registry_id, "app")
        async with registry_with(context, registry_id, "apps/web", "zoo/ape"):
            with refused("FailedOperation.PreconditionFailed"):
                asked = DeleteNamespace(registry_id=registry_id, namespace_name="apps")
                await delete_namespace(context, asked)
            asked = DeleteNamespace(registry_id=registry_id, namespace_name="app")
            await delete_namespace(context, asked)
            with refused("ResourceNotFound.TcrResourceNotFound"):
                await delete_namespace(context, asked)

        assert [one.name for one in context.resources.namespaces.list()] == ["apps"]
        assert context.resources.credentials.list() == ()


async def test_a_registry_that_does_not_answer_keeps_the_namespace(tmp_path: Path) -> None:
    """Not knowing is not a reason to delete."""
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context)
        await make(context, registry_id, "apps")
        async with registry_with(context, registry_id):
            pass
        with refused("FailedOperation.DependenceError"):
            asked = DeleteNamespace(registry_id=registry_id, namespace_name="apps")
            await delete_namespace(context, asked)

        assert len(context.resources.namespaces.list()) == 1
