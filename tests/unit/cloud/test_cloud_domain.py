"""Customized domains: asked for once, of one instance, under names that are not ours to give."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.clouds import open_context, refused, running_instance

from towline.cloud.context import Context
from towline.cloud.tcr.custom_domain import (
    CERTIFICATE,
    MAX_DOMAINS,
    CreateCustomizedDomain,
    DeleteCustomizedDomain,
    DescribeCustomizedDomain,
    DomainInfo,
    create_customized_domain,
    delete_customized_domain,
    describe_customized_domain,
)
from towline.cloud.tcr.instance import DeleteInstance, delete_instance

NAME = "images.example.com"


async def create(
    context: Context, registry_id: str, name: str = NAME, certificate: str = CERTIFICATE
) -> None:
    """Ask for a domain."""
    asked = CreateCustomizedDomain(
        registry_id=registry_id, domain_name=name, certificate_id=certificate
    )
    await create_customized_domain(context, asked)


async def shown(context: Context, registry_id: str, **asked: int) -> tuple[DomainInfo, ...]:
    """The domains of an instance."""
    wanted = DescribeCustomizedDomain(registry_id=registry_id, **asked)
    return (await describe_customized_domain(context, wanted)).domain_info_list


async def delete(context: Context, registry_id: str, name: str = NAME) -> None:
    """Ask for a domain to go."""
    asked = DeleteCustomizedDomain(registry_id=registry_id, domain_name=name)
    await delete_customized_domain(context, asked)


async def test_a_domain_is_asked_for_and_its_end_too(tmp_path: Path) -> None:
    """In lower case, without the last dot, however it was written."""
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context)
        await create(context, registry_id, "Images.Example.com.")
        (asked,) = await shown(context, registry_id)
        await delete(context, registry_id)
        (going,) = await shown(context, registry_id)

        assert (asked.domain_name, asked.status, asked.cert_id) == (NAME, "CREATING", CERTIFICATE)
        assert going.status == "DELETING"
        with refused("ResourceNotFound.TcrResourceNotFound"):
            await delete(context, registry_id, "other.example.com")


async def test_a_domain_belongs_to_one_instance(tmp_path: Path) -> None:
    """Of two who ask at the same moment, one is refused; it is free when its instance has gone."""
    async with open_context(tmp_path) as context:
        first, second = await running_instance(context), await running_instance(context, "other")
        answers = await asyncio.gather(
            create(context, first), create(context, second), return_exceptions=True
        )
        owner, loser = (first, second) if answers[0] is None else (second, first)
        with refused("FailedOperation.ErrorTcrResourceConflict"):
            await create(context, loser)
        await delete_instance(context, DeleteInstance(registry_id=owner))
        await create(context, loser)

        assert sum(answer is None for answer in answers) == 1
        assert [one.instance_id for one in context.resources.custom_domains.list()] == [loser]


async def test_an_instance_has_a_handful_of_domains(tmp_path: Path) -> None:
    """Shown from an offset on, the oldest first."""
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context)
        for number in range(MAX_DOMAINS):
            await create(context, registry_id, f"n{number}.example.com")
        with refused("OperationDenied.QuotaOverLimit"):
            await create(context, registry_id)
        page = await shown(context, registry_id, offset=3, limit=2)

        assert [one.domain_name for one in page] == ["n3.example.com", "n4.example.com"]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="nothing"),
        pytest.param("example", id="one-label"),
        pytest.param("-a.example.com", id="dash"),
        pytest.param("a..example.com", id="empty-label"),
        pytest.param("*.example.com", id="wildcard"),
        pytest.param("192.0.2.1", id="address"),
        pytest.param("a.example.com\n", id="line-end"),
        pytest.param("a" * 64 + ".example.com", id="long-label"),
        pytest.param("a." * 126 + "com", id="long"),
        pytest.param("bücher.example.com", id="not-ascii"),
        pytest.param("other.tencentcloudcr.com", id="ours"),
        pytest.param("tencentcloudcr.com", id="suffix"),
        pytest.param("kubernetes.default.svc", id="service"),
        pytest.param("Kubernetes.default.svc.cluster.local.", id="cluster"),
        pytest.param("registry.localhost", id="machine"),
        pytest.param("localhost.localdomain", id="old-machine"),
        pytest.param("kubernetes.default", id="short-service"),
        pytest.param("kube-dns.kube-system", id="system-service"),
    ],
)
async def test_what_cannot_be_a_domain_is_refused(tmp_path: Path, name: str) -> None:
    """No certificate could name it, or nobody but us may give it."""
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context)
        with refused("InvalidParameter"):
            await create(context, registry_id, name)


async def test_only_the_installations_certificate_can_be_named(tmp_path: Path) -> None:
    """There is no other here, and none is served in the place of one."""
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context)
        with refused("InvalidParameter"):
            await create(context, registry_id, certificate="AbCdEfGh")

        assert await shown(context, registry_id) == ()
