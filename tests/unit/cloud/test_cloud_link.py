"""Links and their name resolution: asked for, allotted later, switched on only then, deleted in
order.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.clouds import ACCESS_IP, link_running, open_context, refused, running_instance

from towline.cloud.context import Context
from towline.cloud.tcr.link import (
    AccessVpc,
    DescribeInternalEndpoints,
    ManageInternalEndpoint,
    describe_internal_endpoints,
    manage_internal_endpoint,
)
from towline.cloud.tcr.resolution import (
    DescribeStatus,
    VpcAndDomain,
    create_internal_endpoint_dns,
    delete_internal_endpoint_dns,
    describe_internal_endpoint_dns_status,
)
from towline.cloud.vpc.subnet import CreateSubnet, create_subnet
from towline.cloud.vpc.vpc import CreateVpc, create_vpc
from towline.resource.link import LinkStatus


class Place:
    """An instance, and VPCs with one subnet each."""

    def __init__(self, context: Context, registry_id: str) -> None:
        self.context = context
        self.registry_id = registry_id
        self.vpc_id = self.subnet_id = ""

    @classmethod
    async def make(cls, context: Context) -> Place:
        """An instance and one VPC."""
        place = cls(context, await running_instance(context))
        await place.move()
        return place

    async def move(self) -> None:
        """Make a new VPC and stand in it."""
        vpc = (
            await create_vpc(self.context, CreateVpc(vpc_name="v", cidr_block="10.0.0.0/16"))
        ).vpc
        asked = CreateSubnet(
            vpc_id=vpc.vpc_id, subnet_name="s", zone="ap-guangzhou-1", cidr_block="10.0.1.0/24"
        )
        subnet = (await create_subnet(self.context, asked)).subnet
        self.vpc_id, self.subnet_id = vpc.vpc_id, subnet.subnet_id

    async def manage(self, operation: str, **changes: str) -> None:
        """Ask for the link here, or for its end."""
        asked: dict[str, Any] = {"registry_id": self.registry_id, "operation": operation}
        asked |= {"vpc_id": self.vpc_id, "subnet_id": self.subnet_id, "region_id": 0}
        await manage_internal_endpoint(self.context, ManageInternalEndpoint(**(asked | changes)))

    async def links(self) -> tuple[AccessVpc, ...]:
        """The links of the instance."""
        asked = DescribeInternalEndpoints(registry_id=self.registry_id)
        return (await describe_internal_endpoints(self.context, asked)).access_vpc_set

    def domain(self, *, default: bool = True, ip: str = ACCESS_IP) -> VpcAndDomain:
        """One of the domains of the link here."""
        return VpcAndDomain(
            instance_id=self.registry_id,
            vpc_id=self.vpc_id,
            eni_lb_ip=ip,
            use_public_domain=default,
        )

    async def status(self, *domains: VpcAndDomain) -> list[str]:
        """Which domains are resolved."""
        asked = DescribeStatus(vpc_set=domains)
        answer = await describe_internal_endpoint_dns_status(self.context, asked)
        return [one.status for one in answer.vpc_set]


async def test_a_link_shows_at_once_without_an_address(tmp_path: Path) -> None:
    """As Terraform expects; the address comes from the agent."""
    async with open_context(tmp_path) as context:
        place = await Place.make(context)
        await place.manage("Create")
        (asked,) = await place.links()
        await link_running(context, place.vpc_id, place.registry_id)
        (ready,) = await place.links()

        assert (asked.status, asked.access_ip) == ("Creating", "")
        assert (ready.status, ready.access_ip) == ("Running", ACCESS_IP)
        assert (ready.vpc_id, ready.subnet_id) == (place.vpc_id, place.subnet_id)


@pytest.mark.parametrize(
    ("operation", "changes", "code"),
    [
        pytest.param("Create", {}, "InternalError.ErrorConflict", id="twice"),
        pytest.param("Create", {"vpc_id": "vpc-none"}, "ResourceNotFound", id="no-vpc"),
        pytest.param("Create", {"subnet_id": "subnet-none"}, "ResourceNotFound", id="no-subnet"),
        pytest.param("Create", {"registry_id": "tcr-none"}, "ResourceNotFound", id="no-instance"),
        pytest.param("Delete", {"vpc_id": "vpc-none"}, "ResourceNotFound", id="no-link"),
        pytest.param("Delete", {"subnet_id": "subnet-none"}, "ResourceNotFound", id="elsewhere"),
        pytest.param("Paint", {}, "InvalidParameter", id="operation"),
    ],
)
async def test_what_cannot_be_linked_is_refused(
    tmp_path: Path, operation: str, changes: dict[str, str], code: str
) -> None:
    """With the code of the API."""
    async with open_context(tmp_path) as context:
        place = await Place.make(context)
        await place.manage("Create")
        with refused(code):
            await place.manage(operation, **changes)


async def test_an_edition_has_a_quota_of_links(tmp_path: Path) -> None:
    """Five in the basic one."""
    async with open_context(tmp_path) as context:
        place = await Place.make(context)
        for _ in range(5):
            await place.manage("Create")
            await place.move()
        with refused("InternalError.ErrorOverLimit"):
            await place.manage("Create")


async def test_resolution_waits_for_the_address(tmp_path: Path) -> None:
    """Before that it cannot be switched on, and not with another address."""
    async with open_context(tmp_path) as context:
        place = await Place.make(context)
        with refused("ResourceNotFound"):
            await create_internal_endpoint_dns(context, place.domain())
        await place.manage("Create")
        with refused("UnsupportedOperation"):
            await create_internal_endpoint_dns(context, place.domain(ip=""))
        await link_running(context, place.vpc_id, place.registry_id)
        with refused("InvalidParameter"):
            await create_internal_endpoint_dns(context, place.domain(ip="10.0.0.6"))
        await create_internal_endpoint_dns(context, place.domain())

        assert await place.status(place.domain()) == ["ENABLED"]


async def test_the_two_domains_are_switched_apart(tmp_path: Path) -> None:
    """The default one and the -vpc one; a status is told for each, in the order asked."""
    async with open_context(tmp_path) as context:
        place = await Place.make(context)
        await place.manage("Create")
        await link_running(context, place.vpc_id, place.registry_id)
        default, private = place.domain(), place.domain(default=False)
        await create_internal_endpoint_dns(context, private)
        first = await place.status(default, private)
        await create_internal_endpoint_dns(context, default)
        await delete_internal_endpoint_dns(context, private)
        second = await place.status(default, private, place.domain(ip="10.9.9.9"))

        assert first == ["DISABLED", "ENABLED"]
        assert second == ["ENABLED", "DISABLED", "DISABLED"]


async def test_a_link_that_is_resolved_cannot_be_deleted(tmp_path: Path) -> None:
    """First the resolution, then the link; then it is Deleting until the agent is done."""
    async with open_context(tmp_path) as context:
        place = await Place.make(context)
        await place.manage("Create")
        await link_running(context, place.vpc_id, place.registry_id)
        await create_internal_endpoint_dns(context, place.domain())
        with refused("ResourceInsufficient.ErrorVpcDnsStatus"):
            await place.manage("Delete")
        await delete_internal_endpoint_dns(context, place.domain())
        await place.manage("Delete")
        (link,) = context.resources.links.list()

        assert link.status is LinkStatus.DELETING
        with refused("InternalError.ErrorConflict"):
            await place.manage("Create")
        with refused("UnsupportedOperation"):
            await create_internal_endpoint_dns(context, place.domain())
