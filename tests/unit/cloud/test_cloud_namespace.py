"""Namespaces: created by asking, private unless said otherwise, deleted only when empty."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from tests.clouds import open_context, refused, running_instance

from towline.cloud.context import Context
from towline.cloud.tag import Tag, TagSpecification
from towline.cloud.tcr.instance import CreateInstance, create_instance
from towline.cloud.tcr.namespace import (
    CreateNamespace,
    DeleteNamespace,
    DescribeNamespaces,
    ModifyNamespace,
    NamespaceInfo,
    create_namespace,
    delete_namespace,
    describe_namespaces,
    modify_namespace,
)
from towline.resource.credential import digest_of_secret

CREATED = "2026-01-02T03:04:05Z"


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
        found = [
            {"name": name, "createdAt": CREATED, "updatedAt": CREATED}
            for name in later[: int(request.query["n"])]
        ]
        return web.json_response({"repositories": found})

    application = web.Application()
    application.router.add_get("/service/token", token)
    application.router.add_get("/v2/_towline/contents/repositories", catalogue)
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


async def modified(context: Context, registry_id: str, **changes: Any) -> NamespaceInfo:
    """Change the namespace `apps`, and see what it has become."""
    asked = ModifyNamespace(registry_id=registry_id, namespace_name="apps", **changes)
    await modify_namespace(context, asked)
    wanted = DescribeNamespaces(registry_id=registry_id)
    (shown,) = (await describe_namespaces(context, wanted)).namespace_list
    return shown


async def test_a_namespace_becomes_public_and_private_again(tmp_path: Path) -> None:
    """Its tags change by themselves; Terraform sends everything, also what is not done here."""
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context)
        await make(context, registry_id, "apps")
        terraform = {"is_auto_scan": False, "is_prevent_vul": False, "severity": "medium"}
        opened = await modified(context, registry_id, is_public=True, **terraform)
        tags = (Tag(key="team", value="a"),)
        tagged = await modified(context, registry_id, tag_specification=TagSpecification(tags=tags))
        closed = await modified(context, registry_id, is_public=False)

        assert (opened.public, opened.tag_specification.tags) == (True, ())
        assert (tagged.public, tagged.tag_specification.tags) == (True, tags)
        assert (closed.public, closed.tag_specification.tags) == (False, tags)
        assert [(one.key, one.value) for one in closed.metadata][2] == ("public", "false")


async def test_what_a_namespace_cannot_become_is_refused(tmp_path: Path) -> None:
    """Nothing is scanned here; and it must exist."""
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context)
        with refused("ResourceNotFound.TcrResourceNotFound"):
            await modified(context, registry_id, is_public=True)
        await make(context, registry_id, "apps")
        with refused("UnsupportedOperation"):
            await modified(context, registry_id, is_prevent_vul=True)
