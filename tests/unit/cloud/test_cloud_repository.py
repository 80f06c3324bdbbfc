"""Repositories: what was pushed and what was asked for, shown as one list. The registry is real."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.cloud_registry import Served, served_instance
from tests.clouds import refused

from towline.cloud.tcr.instance import DeleteInstance, delete_instance
from towline.cloud.tcr.namespace import DeleteNamespace, delete_namespace
from towline.cloud.tcr.repository import (
    CreateRepository,
    DeleteRepository,
    DescribeRepositories,
    ModifyRepository,
    Repositories,
    create_repository,
    delete_repository,
    describe_repositories,
    modify_repository,
)
from towline.resource.instance import Instance

# As Go prints a time, and as the API shows those of repositories.
GO_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} \+0000 UTC")


async def create(served: Served, name: str, **more: str) -> None:
    """Make an empty repository."""
    namespace, _, rest = name.partition("/")
    asked = CreateRepository(
        registry_id=served.registry_id, namespace_name=namespace, repository_name=rest, **more
    )
    await create_repository(served.context, asked)


async def describe(served: Served, name: str, brief: str, description: str) -> None:
    """Describe a repository."""
    namespace, _, rest = name.partition("/")
    asked = ModifyRepository(
        registry_id=served.registry_id,
        namespace_name=namespace,
        repository_name=rest,
        brief_description=brief,
        description=description,
    )
    await modify_repository(served.context, asked)


async def delete(served: Served, name: str, **more: bool) -> None:
    """Remove a repository."""
    namespace, _, rest = name.partition("/")
    asked = DeleteRepository(
        registry_id=served.registry_id, namespace_name=namespace, repository_name=rest, **more
    )
    await delete_repository(served.context, asked)


async def shown(served: Served, **asked: Any) -> Repositories:
    """The list."""
    wanted = DescribeRepositories(registry_id=served.registry_id, **asked)
    return await describe_repositories(served.context, wanted)


async def names(served: Served, **asked: Any) -> list[str]:
    """The names in the list."""
    return [one.name for one in (await shown(served, **asked)).repository_list]


async def test_what_was_pushed_and_what_was_made_is_one_list(tmp_path: Path) -> None:
    """Each repository once, with its namespace in front."""
    async with served_instance(tmp_path) as served:
        await served.namespace("open", public=True)
        await create(served, "apps/made", brief_description="in short", description="at length")
        await create(served, "apps/both")
        for name in ("apps/both", "open/pushed"):
            await served.push(name, "v1")
        answer = await shown(served)
        both, made, pushed = answer.repository_list

        assert answer.total_count == 3
        assert [one.name for one in (both, made, pushed)] == [
            "apps/both",
            "apps/made",
            "open/pushed",
        ]
        assert (made.description, made.brief_description) == ("at length", "in short")
        assert (made.public, pushed.public, pushed.namespace) == (False, True, "open")
        for one in answer.repository_list:
            assert GO_TIME.fullmatch(one.creation_time)
            assert one.creation_time <= one.update_time


async def test_a_list_can_be_narrowed_ordered_and_turned_over(tmp_path: Path) -> None:
    """By namespace, by a part of the name, by field, and page by page."""
    async with served_instance(tmp_path) as served:
        await served.namespace("app")
        for name in ("apps/web", "apps/worker/fast", "app/web"):
            await served.push(name, "v1")

        assert await names(served, namespace_name="apps") == ["apps/web", "apps/worker/fast"]
        assert await names(served, repository_name="web") == ["app/web", "apps/web"]
        assert await names(served, namespace_name="app", repository_name="app") == []
        assert await names(served, sort_by="-name", limit=2) == ["apps/worker/fast", "apps/web"]
        assert await names(served, sort_by="creation_time") == [
            "apps/web",
            "apps/worker/fast",
            "app/web",
        ]
        assert await names(served, sort_by="-update_time", limit=2, offset=2) == ["apps/web"]
        with refused("InvalidParameter"):
            await names(served, sort_by="colour")
        with refused("ResourceNotFound.TcrResourceNotFound"):
            await names(served, namespace_name="none")


async def test_a_repository_is_described_whoever_made_it(tmp_path: Path) -> None:
    """Also one that was only pushed to."""
    async with served_instance(tmp_path) as served:
        await served.push("apps/web", "v1")
        await describe(served, "apps/web", "in short", "at length")
        await describe(served, "apps/web", "shorter", "at length")
        (one,) = (await shown(served)).repository_list

        assert (one.brief_description, one.description) == ("shorter", "at length")
        with refused("ResourceNotFound.TcrResourceNotFound"):
            await describe(served, "apps/none", "", "")
        with refused("InvalidParameter.ErrorTcrInvalidParameter"):
            await describe(served, "apps/web", "a" * 101, "")


async def test_a_repository_goes_with_its_images(tmp_path: Path) -> None:
    """Unless its owner wants only an empty one to go."""
    async with served_instance(tmp_path) as served:
        await served.push("apps/web", "v1")
        await create(served, "apps/made")
        with refused("FailedOperation.PreconditionFailed"):
            await delete(served, "apps/web", force_delete=False)
        await delete(served, "apps/made", force_delete=False)
        await delete(served, "apps/web")

        assert await names(served) == []
        with refused("ResourceNotFound.TcrResourceNotFound"):
            await delete(served, "apps/web")
        await served.push("apps/web", "v1")
        assert await names(served) == ["apps/web"]


async def test_a_repository_is_made_once(tmp_path: Path) -> None:
    """Not where a push has made one, and not without a namespace."""
    async with served_instance(tmp_path) as served:
        await served.push("apps/web", "v1")
        await create(served, "apps/made")
        for name in ("apps/web", "apps/made"):
            with refused("FailedOperation.ErrorTcrResourceConflict"):
                await create(served, name)
        with refused("ResourceNotFound.TcrResourceNotFound"):
            await create(served, "none/web")


@pytest.mark.parametrize("name", ["", "a", "Web", "web/", "-web", "we b", "a" * 201, "web\n"])
async def test_what_is_no_repository_name_is_refused(tmp_path: Path, name: str) -> None:
    """Before anything is asked of the registry."""
    async with served_instance(tmp_path) as served:
        with refused("InvalidParameter.ErrorTcrInvalidParameter"):
            await create(served, f"apps/{name}")


async def test_a_namespace_with_repositories_stays(tmp_path: Path) -> None:
    """Be they pushed, made, or empty again."""
    async with served_instance(tmp_path) as served:
        asked = DeleteNamespace(registry_id=served.registry_id, namespace_name="apps")
        await create(served, "apps/made")
        with refused("FailedOperation.PreconditionFailed"):
            await delete_namespace(served.context, asked)
        await delete(served, "apps/made")
        await served.push("apps/web", "v1")
        with refused("FailedOperation.PreconditionFailed"):
            await delete_namespace(served.context, asked)
        await delete(served, "apps/web")
        await delete_namespace(served.context, asked)

        assert served.context.resources.namespaces.list() == ()
        left = [one.description for one in served.context.resources.credentials.list()]
        assert "the cloud's own" not in left


async def test_an_instance_takes_its_descriptions_with_it(tmp_path: Path) -> None:
    """Nothing of it stays in the records but that it is going."""
    async with served_instance(tmp_path) as served:
        await create(served, "apps/made")
        asked = DeleteInstance(registry_id=served.registry_id)
        await delete_instance(served.context, asked)

        assert served.context.resources.repositories.list() == ()


async def test_a_registry_that_does_not_answer_is_an_error_of_the_api(tmp_path: Path) -> None:
    """Not a crash; and nothing is half made."""
    async with served_instance(tmp_path) as served:
        resources = served.context.resources
        await resources.instances.update("", served.registry_id, _nowhere)
        for attempt in (create(served, "apps/made"), delete(served, "apps/made"), shown(served)):
            with refused("FailedOperation.DependenceError"):
                await attempt

        assert resources.repositories.list() == ()
        assert resources.credentials.list() == ()


def _nowhere(held: Instance) -> Instance:
    return msgspec.structs.replace(held, loopback_port=1)
