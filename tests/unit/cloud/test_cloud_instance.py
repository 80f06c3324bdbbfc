"""Instances: names and addresses are taken once, and what was asked for is shown as it becomes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.clouds import open_context, refused, running_instance

from towline.cloud.context import Context
from towline.cloud.own.door import DescribeInstanceDoors, describe_instance_doors
from towline.cloud.page import Filter
from towline.cloud.refusal import Refusal
from towline.cloud.tag import Tag, TagSpecification
from towline.cloud.tcr.instance import (
    CreateInstance,
    DeleteInstance,
    DescribeInstances,
    Registry,
    create_instance,
    delete_instance,
    describe_instances,
)
from towline.cloud.tcr.namespace import CreateNamespace, create_namespace
from towline.cloud.tcr.token import CreateInstanceToken, create_instance_token
from towline.resource.link import Link, LinkStatus


def asking(name: str = "demo", edition: str = "basic", **more: Any) -> CreateInstance:
    """A request for an instance."""
    return CreateInstance(registry_name=name, registry_type=edition, **more)


async def shown(context: Context, **asked: Any) -> tuple[Registry, ...]:
    """The instances that are listed."""
    return (await describe_instances(context, DescribeInstances(**asked))).registries


async def test_a_new_instance_is_pending(tmp_path: Path) -> None:
    """With its domain, its tags, and an id that looks like the cloud's."""
    async with open_context(tmp_path) as context:
        tags = TagSpecification(resource_type="instance", tags=(Tag(key="team", value="a"),))
        made = await create_instance(context, asking(tag_specification=tags))
        (registry,) = await shown(context)

        assert registry.registry_id == made.registry_id
        assert made.registry_id.startswith("tcr-")
        assert len(made.registry_id) == len("tcr-") + 8
        assert registry.status == "Pending"
        assert registry.public_domain == "demo.tencentcloudcr.com"
        assert registry.created_at == "2026-01-02T03:04:05Z"
        assert (registry.region_name, registry.region_id) == ("ap-guangzhou", 1)
        assert registry.tag_specification.tags == tags.tags


async def test_each_instance_has_a_public_address_of_its_own(tmp_path: Path) -> None:
    """Also when several are created at once; one of an instance that is gone is not given on."""
    async with open_context(tmp_path) as context:
        asked = [create_instance(context, asking(f"demo{number}")) for number in range(5)]
        made = await asyncio.gather(*asked)
        doors = (await describe_instance_doors(context, DescribeInstanceDoors())).door_set
        addresses = {door.public_address for door in doors}
        await context.resources.instances.delete("", made[0].registry_id)
        await create_instance(context, asking("demo0"))

        assert addresses == {f"198.18.0.{number}" for number in range(10, 15)}
        again = {instance.public_address for instance in context.resources.instances.list()}
        assert again == addresses - {"198.18.0.10"} | {"198.18.0.15"}


async def test_a_name_is_taken_once(tmp_path: Path) -> None:
    """Of two who ask at the same moment, one is refused."""
    async with open_context(tmp_path) as context:
        answers = await asyncio.gather(
            create_instance(context, asking()),
            create_instance(context, asking()),
            return_exceptions=True,
        )

        codes = [answer.code for answer in answers if isinstance(answer, Refusal)]
        assert codes == ["InvalidParameter.ErrorNameExists"]
        assert len(await shown(context)) == 1


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        pytest.param(asking("abc"), "InvalidParameter.ErrorNameIllegal", id="short"),
        pytest.param(asking("a" * 51), "InvalidParameter.ErrorNameIllegal", id="long"),
        pytest.param(asking("-demo"), "InvalidParameter.ErrorNameIllegal", id="dash-first"),
        pytest.param(asking("demo-"), "InvalidParameter.ErrorNameIllegal", id="dash-last"),
        pytest.param(asking("Demo1"), "InvalidParameter.ErrorNameIllegal", id="upper-case"),
        pytest.param(asking("demo\n"), "InvalidParameter.ErrorNameIllegal", id="line-end"),
        pytest.param(asking("demo-vpc"), "InvalidParameter.ErrorNameReserved", id="vpc-domain"),
        pytest.param(asking(edition="huge"), "InvalidParameterValue", id="edition"),
        pytest.param(
            asking(
                tag_specification=TagSpecification(tags=tuple(Tag(key=k) for k in "abcdefghijk"))
            ),
            "InvalidParameter.ErrorTagOverLimit",
            id="tags",
        ),
        pytest.param(asking(registry_charge_type=1), "UnsupportedOperation", id="prepaid"),
    ],
)
async def test_what_cannot_be_created_is_refused(
    tmp_path: Path, asked: CreateInstance, code: str
) -> None:
    """With the code of the API."""
    async with open_context(tmp_path) as context:
        with refused(code):
            await create_instance(context, asked)


async def test_instances_are_found_by_id_and_by_name(tmp_path: Path) -> None:
    """An id that does not exist finds nothing, a filter that does not exist is refused."""
    async with open_context(tmp_path) as context:
        first = await create_instance(context, asking("first"))
        await create_instance(context, asking("second"))
        by_name = (Filter(name="RegistryName", values=("second", "other")),)

        assert [one.registry_id for one in await shown(context, registryids=("tcr-none",))] == []
        found = await shown(context, registryids=(first.registry_id,))
        assert [one.registry_name for one in found] == ["first"]
        assert [one.registry_name for one in await shown(context, filters=by_name)] == ["second"]
        assert len(await shown(context, limit=1)) == 1
        with refused("InvalidParameter"):
            await shown(context, filters=(Filter(name="Colour", values=()),))


async def test_deleting_is_asking(tmp_path: Path) -> None:
    """The instance and its links stay, Deleting, until registry and agent have done their part.

    Nobody can get in any more meanwhile: credentials and namespaces are gone at once.
    """
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context)
        resources = context.resources
        asked = CreateNamespace(registry_id=registry_id, namespace_name="apps", is_public=False)
        await create_namespace(context, asked)
        await create_instance_token(context, CreateInstanceToken(registry_id=registry_id))
        link = Link(
            instance_id=registry_id,
            vpc_id="vpc-a",
            subnet_id="subnet-a",
            resolve_default_domain=True,
            created_at="2026-01-02T03:04:05Z",
        )
        await resources.links.create(link.vpc_id, link.instance_id, link)
        await delete_instance(context, DeleteInstance(registry_id=registry_id))
        (registry,) = await shown(context)
        (ending,) = resources.links.list()

        assert registry.status == "Deleting"
        assert resources.namespaces.list() == ()
        assert resources.credentials.list() == ()
        assert ending.status is LinkStatus.DELETING
        assert not ending.resolve_default_domain


async def test_a_protected_instance_is_not_deleted(tmp_path: Path) -> None:
    """Nor one that does not exist, nor one in a dry run."""
    async with open_context(tmp_path) as context:
        made = await create_instance(context, asking(deletion_protection=True))
        other = await create_instance(context, asking("other"))
        with refused("OperationDenied"):
            await delete_instance(context, DeleteInstance(registry_id=made.registry_id))
        with refused("ResourceNotFound"):
            await delete_instance(context, DeleteInstance(registry_id="tcr-none"))
        with refused("DryRunOperation"):
            dry = DeleteInstance(registry_id=other.registry_id, dry_run=True)
            await delete_instance(context, dry)
