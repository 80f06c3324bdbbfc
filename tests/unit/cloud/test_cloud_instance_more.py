"""Instances on their way: what is said before they are made, while they are, and when they change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.cloud_registry import served_instance
from tests.clouds import open_context, refused, running_instance

from towline.cloud.context import Context
from towline.cloud.tcr.instance import (
    CreateInstance,
    DeleteInstance,
    DescribeInstances,
    create_instance,
    delete_instance,
    describe_instances,
)
from towline.cloud.tcr.instance_change import (
    ModifyInstance,
    RenewInstance,
    modify_instance,
    renew_instance,
)
from towline.cloud.tcr.instance_name import CheckInstanceName, check_instance_name
from towline.cloud.tcr.instance_status import (
    CheckInstance,
    DescribeInstanceStatus,
    RegistryStatus,
    check_instance,
    describe_instance_status,
)
from towline.cloud.tcr.namespace import CreateNamespace, create_namespace
from towline.cloud.tcr.region import DescribeRegions, describe_regions
from towline.resource.repository import Repository


async def statuses(context: Context, *ids: str) -> tuple[RegistryStatus, ...]:
    """The states of instances."""
    asked = DescribeInstanceStatus(registry_ids=ids)
    return (await describe_instance_status(context, asked)).registry_status_set


async def modify(context: Context, registry_id: str, **changes: Any) -> None:
    """Change an instance."""
    await modify_instance(context, ModifyInstance(registry_id=registry_id, **changes))


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        pytest.param("new-one", (True, 0), id="free"),
        pytest.param("No", (False, 1), id="illegal"),
        pytest.param("harbor", (False, 2), id="reserved"),
        pytest.param("demo", (False, 3), id="taken"),
    ],
)
async def test_a_name_is_checked_before_it_is_asked_for(
    tmp_path: Path, name: str, answer: tuple[bool, int]
) -> None:
    """With the number of what is wrong with it."""
    async with open_context(tmp_path) as context:
        await running_instance(context, "demo")
        checked = await check_instance_name(context, CheckInstanceName(registry_name=name))

        assert (checked.is_validated, checked.detail_code) == answer


async def test_an_instance_says_what_it_waits_for(tmp_path: Path) -> None:
    """While it is made, and while it goes; each in the order in which it was asked for."""
    async with open_context(tmp_path) as context:
        asked = CreateInstance(registry_name="pending", registry_type="basic")
        pending = (await create_instance(context, asked)).registry_id
        running, going = await running_instance(context), await running_instance(context, "going")
        await delete_instance(context, DeleteInstance(registry_id=going))
        shown = await statuses(context, going, running, pending)

        assert [one.status for one in shown] == ["Deleting", "Running", "Pending"]
        assert [one.conditions[0].status for one in shown] == ["False", "True", "False"]
        assert shown[1].conditions[0].reason == ""
        assert "door" in shown[2].conditions[0].reason
        with refused("ResourceNotFound"):
            await statuses(context, running, "tcr-none")
        with refused("InvalidParameter"):
            await statuses(context)


async def test_an_instance_can_be_looked_for(tmp_path: Path) -> None:
    """It counts once it runs."""
    async with open_context(tmp_path) as context:
        asked = CreateInstance(registry_name="pending", registry_type="basic")
        pending = (await create_instance(context, asked)).registry_id
        running = await running_instance(context)
        looked = [await check_instance(context, CheckInstance(registry_id=pending))]
        looked.append(await check_instance(context, CheckInstance(registry_id=running)))

        assert [(one.is_validated, one.region_id) for one in looked] == [(False, 1), (True, 1)]
        with refused("ResourceNotFound"):
            await check_instance(context, CheckInstance(registry_id="tcr-none"))


async def test_there_is_the_region_of_the_installation(tmp_path: Path) -> None:
    """With the cloud's number and alias."""
    async with open_context(tmp_path) as context:
        shown = await describe_regions(context, DescribeRegions())
        (region,) = shown.regions

        assert shown.total_count == 1
        assert (region.region_name, region.region_id, region.alias) == (
            "ap-guangzhou",
            1,
            "guangzhou",
        )


async def test_what_is_not_given_stays(tmp_path: Path) -> None:
    """Edition and protection change by themselves."""
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context)
        await modify(context, registry_id, registry_type="premium")
        await modify(context, registry_id, deletion_protection=True)
        (registry,) = (await describe_instances(context, DescribeInstances())).registries

        assert (registry.registry_type, registry.deletion_protection) == ("premium", True)
        with refused("OperationDenied"):
            await delete_instance(context, DeleteInstance(registry_id=registry_id))


async def test_an_edition_must_have_room_for_what_is_there(tmp_path: Path) -> None:
    """More namespaces than it allows keep an instance from becoming smaller."""
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context, edition="standard")
        for number in range(51):
            asked = CreateNamespace(
                registry_id=registry_id, namespace_name=f"space{number}", is_public=False
            )
            await create_namespace(context, asked)
        await modify(context, registry_id, registry_type="premium")
        await modify(context, registry_id, registry_type="standard")
        with refused("OperationDenied"):
            await modify(context, registry_id, registry_type="basic")

        assert context.resources.instance(registry_id).edition == "standard"


async def test_repositories_need_room_too(tmp_path: Path) -> None:
    """Those that were pushed and those that were made, each counted once."""
    async with served_instance(tmp_path, "standard") as served:
        resources, id_ = served.context.resources, served.registry_id
        await served.push("apps/r0", "v1")
        await served.push("apps/pushed", "v1")
        made = [_repository(id_, f"apps/r{number}") for number in range(1000)]
        repositories = resources.repositories
        await resources.store.apply([repositories.creation(id_, one.name, one) for one in made])
        with refused("OperationDenied"):
            await modify(served.context, id_, registry_type="basic")
        await repositories.delete(id_, "apps/r1")
        await modify(served.context, id_, registry_type="basic")

        assert resources.instance(id_).edition == "basic"


def _repository(instance_id: str, name: str) -> Repository:
    when = "2026-01-02T03:04:05Z"
    return Repository(instance_id=instance_id, name=name, created_at=when, updated_at=when)


async def test_what_cannot_be_changed_is_refused(tmp_path: Path) -> None:
    """Unknown editions, versions of objects, instances that do not run; and nothing is renewed."""
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context)
        asked = CreateInstance(registry_name="pending", registry_type="basic")
        pending = (await create_instance(context, asked)).registry_id
        with refused("InvalidParameterValue"):
            await modify(context, registry_id, registry_type="huge")
        with refused("UnsupportedOperation"):
            await modify(context, registry_id, enable_cos_versioning=True)
        with refused("ResourceInsufficient.ErrorInstanceNotRunning"):
            await modify(context, pending, deletion_protection=True)
        renewal = RenewInstance(
            registry_id=registry_id, registry_charge_prepaid={"Period": 1, "RenewFlag": 0}, flag=0
        )
        with refused("UnsupportedOperation"):
            await renew_instance(context, renewal)
