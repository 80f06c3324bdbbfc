"""The allowlist: entries have an index that moves, a version that counts, and a CIDR that is meant."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clouds import endpoint_done, open_context, refused, running_instance

from towline.cloud.context import Context
from towline.cloud.refusal import Refusal
from towline.cloud.tcr.public_endpoint import ManageExternalEndpoint, manage_external_endpoint
from towline.cloud.tcr.security_policy import (
    MAX_RULES,
    CreateSecurityPolicy,
    DeleteSecurityPolicy,
    DescribeSecurityPolicies,
    ModifySecurityPolicy,
    SecurityPolicy,
    SeveralPolicies,
    ShownPolicy,
    create_multiple_security_policy,
    create_security_policy,
    delete_multiple_security_policy,
    delete_security_policy,
    describe_security_policies,
    modify_security_policy,
)


@dataclass(frozen=True)
class Allowlist:
    """The allowlist of one instance, as a client handles it."""

    context: Context
    registry_id: str

    async def add(self, cidr: str, description: str = "") -> None:
        """Append one entry."""
        asked = CreateSecurityPolicy(
            registry_id=self.registry_id, cidr_block=cidr, description=description
        )
        await create_security_policy(self.context, asked)

    async def add_all(self, *cidrs: str) -> None:
        """Append several entries in one call."""
        await create_multiple_security_policy(self.context, self._several(*cidrs))

    async def remove(self, cidr: str = "", *, index: int | None = None, version: str = "") -> None:
        """Remove one entry."""
        asked = DeleteSecurityPolicy(
            registry_id=self.registry_id,
            cidr_block=cidr,
            policy_index=index,
            policy_version=version,
        )
        await delete_security_policy(self.context, asked)

    async def remove_all(self, *cidrs: str) -> None:
        """Remove several entries in one call."""
        await delete_multiple_security_policy(self.context, self._several(*cidrs))

    async def put(self, index: int, cidr: str) -> None:
        """Replace one entry."""
        asked = ModifySecurityPolicy(
            registry_id=self.registry_id, policy_index=index, cidr_block=cidr, description="new"
        )
        await modify_security_policy(self.context, asked)

    async def manage(self, operation: str) -> None:
        """Open or close the endpoint, and wait for it."""
        asked = ManageExternalEndpoint(registry_id=self.registry_id, operation=operation)
        await manage_external_endpoint(self.context, asked)
        await endpoint_done(self.context.resources, self.registry_id)

    async def entries(self) -> list[tuple[int, str]]:
        """Indexes and CIDRs as they are shown."""
        return [(one.policy_index, one.cidr_block) for one in await self.shown()]

    async def shown(self) -> tuple[ShownPolicy, ...]:
        """All entries, as they are told."""
        asked = DescribeSecurityPolicies(registry_id=self.registry_id)
        return (await describe_security_policies(self.context, asked)).security_policy_set

    def _several(self, *cidrs: str) -> SeveralPolicies:
        policies = tuple(SecurityPolicy(cidr_block=cidr) for cidr in cidrs)
        return SeveralPolicies(registry_id=self.registry_id, security_group_policy_set=policies)


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Allowlist]:
    """The empty allowlist of an endpoint that has just been opened."""
    async with open_context(folder) as context:
        allowlist = Allowlist(context, await running_instance(context))
        await allowlist.manage("Create")
        yield allowlist


async def test_an_open_endpoint_begins_with_nobody_allowed(tmp_path: Path) -> None:
    """The list is there, and empty."""
    async with opened(tmp_path) as allowlist:
        assert await allowlist.entries() == []


async def test_without_an_open_endpoint_there_is_no_list(tmp_path: Path) -> None:
    """What Terraform tolerates while it waits is exactly `ResourceNotFound`."""
    async with open_context(tmp_path) as context:
        allowlist = Allowlist(context, await running_instance(context))
        with pytest.raises(Refusal) as refusal:
            await allowlist.entries()
        with refused("OperationDenied"):
            await allowlist.add("0.0.0.0/0")
        for attempt in (allowlist.remove("0.0.0.0/0"), allowlist.put(0, "0.0.0.0/0")):
            with refused("ResourceNotFound"):
                await attempt

        assert refusal.value.code == "ResourceNotFound"
        wanted = f"Failed to get security group id from registry: {allowlist.registry_id}"
        assert refusal.value.message == wanted


async def test_entries_move_up_when_one_goes(tmp_path: Path) -> None:
    """Indexes begin at 0 and have no holes."""
    async with opened(tmp_path) as allowlist:
        for cidr in ("192.0.2.1", "198.51.100.0/24", "203.0.113.0/24"):
            await allowlist.add(cidr)
        await allowlist.remove(index=0)

        assert await allowlist.entries() == [(0, "198.51.100.0/24"), (1, "203.0.113.0/24")]


async def test_a_cidr_goes_before_an_index(tmp_path: Path) -> None:
    """Even before one that is out of date."""
    async with opened(tmp_path) as allowlist:
        await allowlist.add("192.0.2.1")
        await allowlist.add("192.0.2.2")
        await allowlist.remove("192.0.2.2", index=0, version="1")

        assert await allowlist.entries() == [(0, "192.0.2.1")]


async def test_an_index_of_an_older_list_is_refused(tmp_path: Path) -> None:
    """It might mean another entry by now; the version counts every change."""
    async with opened(tmp_path) as allowlist:
        await allowlist.add("192.0.2.1")
        old = (await allowlist.shown())[0].policy_version
        await allowlist.add("192.0.2.2")
        new = (await allowlist.shown())[0].policy_version
        with refused("OperationDenied"):
            await allowlist.remove(index=0, version=old)
        await allowlist.remove(index=0, version=new)

        assert int(new) == int(old) + 1
        assert await allowlist.entries() == [(0, "192.0.2.2")]


async def test_an_entry_is_shown_as_it_was_written(tmp_path: Path) -> None:
    """Terraform looks for its own text; to the network both are the same."""
    async with opened(tmp_path) as allowlist:
        await allowlist.add("192.0.2.1", "office")
        (shown,) = await allowlist.shown()
        (endpoint,) = allowlist.context.resources.public_endpoints.list()

        assert (shown.cidr_block, shown.description) == ("192.0.2.1", "office")
        assert endpoint.rules[0].cidr == "192.0.2.1/32"
        with refused("OperationDenied"):
            await allowlist.add("192.0.2.1/32")


async def test_an_entry_is_replaced_in_its_place(tmp_path: Path) -> None:
    """By itself too, but not by another entry's CIDR."""
    async with opened(tmp_path) as allowlist:
        await allowlist.add_all("192.0.2.1", "192.0.2.2")
        await allowlist.put(0, "192.0.2.0/24")
        await allowlist.put(0, "192.0.2.0/24")

        assert await allowlist.entries() == [(0, "192.0.2.0/24"), (1, "192.0.2.2")]
        with refused("OperationDenied"):
            await allowlist.put(0, "192.0.2.2")
        with refused("ResourceNotFound"):
            await allowlist.put(2, "192.0.2.3")


async def test_several_entries_are_one_change(tmp_path: Path) -> None:
    """All of them, or none."""
    async with opened(tmp_path) as allowlist:
        await allowlist.add_all("192.0.2.1", "192.0.2.2", "192.0.2.3")
        with refused("OperationDenied"):
            await allowlist.add_all("192.0.2.9", "192.0.2.1")
        with refused("InvalidParameter"):
            await allowlist.add_all("192.0.2.9", "nowhere")
        with refused("ResourceNotFound"):
            await allowlist.remove_all("192.0.2.1", "192.0.2.9")
        with refused("InvalidParameter"):
            await allowlist.add_all()
        await allowlist.remove_all("192.0.2.1", "192.0.2.3")

        assert await allowlist.entries() == [(0, "192.0.2.2")]


async def test_no_entry_is_lost_when_many_write_at_once(tmp_path: Path) -> None:
    """The list is one record, and each change is made on the newest one."""
    async with opened(tmp_path) as allowlist:
        cidrs = {f"192.0.2.{number}" for number in range(20)}
        await asyncio.gather(*(allowlist.add(cidr) for cidr in cidrs))

        assert {cidr for _, cidr in await allowlist.entries()} == cidrs


async def test_closing_empties_the_list(tmp_path: Path) -> None:
    """What is opened again lets nobody in, and old versions are still old."""
    async with opened(tmp_path) as allowlist:
        await allowlist.add("192.0.2.1")
        before = (await allowlist.shown())[0].policy_version
        await allowlist.manage("Delete")
        await allowlist.manage("Create")
        emptied = await allowlist.entries()
        await allowlist.add("192.0.2.1")
        after = (await allowlist.shown())[0].policy_version

        assert emptied == []
        assert int(after) > int(before)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("0.0.0.0/33", id="prefix"),
        pytest.param("10.0.0.1/8", id="host-bits"),
        pytest.param("10.0.0.0/255.0.0.0", id="netmask"),
        pytest.param("10.0.0.0/0.255.255.255", id="wildcard"),
        pytest.param("::/0", id="version-6"),
        pytest.param(" 10.0.0.1", id="space"),
        pytest.param("010.0.0.1", id="octal"),
        pytest.param("10.0.0.1\n", id="line-end"),
        pytest.param("١٠.0.0.1", id="other-digits"),
        pytest.param("example.com", id="name"),
    ],
)
async def test_what_is_no_address_is_refused(tmp_path: Path, text: str) -> None:
    """And leaves the list as it is."""
    async with opened(tmp_path) as allowlist:
        with refused("InvalidParameter"):
            await allowlist.add(text)

        assert await allowlist.entries() == []


async def test_a_list_has_an_end(tmp_path: Path) -> None:
    """A thousand entries; more in one call are refused as a whole."""
    async with opened(tmp_path) as allowlist:
        first = int(IPv4Network("10.0.0.0/8")[0])
        cidrs = [str(IPv4Network(first + number)) for number in range(MAX_RULES)]
        await allowlist.add_all(*cidrs)
        with refused("OperationDenied.QuotaOverLimit"):
            await allowlist.add("192.0.2.1")

        assert len(await allowlist.entries()) == MAX_RULES


@given(st.lists(st.one_of(st.integers(0, 5), st.sampled_from("abcdef")), max_size=12))
def test_the_list_is_what_a_list_would_be(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int | str]
) -> None:
    """A letter adds its CIDR if it is not there, a number removes at that index."""

    async def walk() -> None:
        model = list[str]()
        async with opened(tmp_path_factory.mktemp("policies")) as allowlist:
            for step in steps:
                await _take(allowlist, model, step)

            assert await allowlist.entries() == list(enumerate(model))

    asyncio.run(walk())


async def _take(allowlist: Allowlist, model: list[str], step: int | str) -> None:
    if isinstance(step, str):
        cidr = f"10.{ord(step)}.0.0/16"
        if cidr in model:
            with refused("OperationDenied"):
                await allowlist.add(cidr)
        else:
            await allowlist.add(cidr)
            model.append(cidr)
    elif step < len(model):
        await allowlist.remove(index=step)
        del model[step]
    else:
        with refused("ResourceNotFound"):
            await allowlist.remove(index=step)
