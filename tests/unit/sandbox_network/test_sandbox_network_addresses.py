"""Addresses of subnets: durable, and never two owners' at once."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.networks import subnet

from towline.problem import Problem
from towline.resource import kind
from towline.resource.vpc import Address, AddressOwner
from towline.sandbox.network.addresses import Addresses
from towline.store.collection import Collection
from towline.store.store import Store

POD, LINK = AddressOwner.POD, AddressOwner.LINK
SMALL = subnet(0, 0, "10.0.0.0/29")  # five addresses for pods and links


async def test_an_owner_keeps_its_address(tmp_path: Path) -> None:
    """However often it asks, and whoever asks after a new start."""
    async with Store.open(tmp_path / "records.db") as store:
        addresses = Addresses(store)
        first = await addresses.claim(SMALL, POD, "uid-1")
        other = await addresses.claim(SMALL, LINK, "uid-1")
        again = await addresses.claim(SMALL, POD, "uid-1")
    async with Store.open(tmp_path / "records.db") as store:
        later = await Addresses(store).claim(SMALL, POD, "uid-1")

    assert first == again == later
    assert first.ip != other.ip


async def test_an_owner_that_moves_gives_its_address_back(tmp_path: Path) -> None:
    """One owner has one address."""
    async with Store.open(tmp_path / "records.db") as store:
        addresses = Addresses(store)
        before = await addresses.claim(SMALL, LINK, "tcr-1/vpc-0")
        after = await addresses.claim(subnet(0, 1), LINK, "tcr-1/vpc-0")
        held = Collection(store, kind.ADDRESS, Address).list()

    assert after.subnet_id != before.subnet_id
    assert held == (after,)


async def test_a_full_subnet_says_so_until_somebody_leaves(tmp_path: Path) -> None:
    """The network's, the router's and the broadcast address are nobody's."""
    async with Store.open(tmp_path / "records.db") as store:
        addresses = Addresses(store)
        taken = [await addresses.claim(SMALL, POD, f"uid-{number}") for number in range(5)]
        with pytest.raises(Problem) as refused:
            await addresses.claim(SMALL, POD, "uid-5")
        await addresses.free(POD, "uid-3")
        last = await addresses.claim(SMALL, POD, "uid-5")

    assert refused.value.code == "subnet-full"
    assert "10.0.0.0/29" in refused.value.cause
    assert last.ip == taken[3].ip


async def test_subnets_of_other_vpcs_have_the_same_addresses(tmp_path: Path) -> None:
    """VPCs do not know of each other."""
    async with Store.open(tmp_path / "records.db") as store:
        addresses = Addresses(store)
        here = await addresses.claim(subnet(0), POD, "uid-1")
        there = await addresses.claim(subnet(1), POD, "uid-2")

    assert here.ip == there.ip


async def test_a_claim_whose_maker_was_cancelled_is_not_given_to_two(tmp_path: Path) -> None:
    """The write may have happened all the same."""
    async with Store.open(tmp_path / "records.db") as store:
        addresses = Addresses(store)
        async with asyncio.TaskGroup() as tasks:
            hasty = tasks.create_task(addresses.claim(SMALL, POD, "hasty"))
            await asyncio.sleep(0)
            hasty.cancel()
        calm = await addresses.claim(SMALL, POD, "calm")
        again = await addresses.claim(SMALL, POD, "hasty")
        held = Collection(store, kind.ADDRESS, Address).list()

    assert calm.ip != again.ip
    assert {claim.owner_id for claim in held} == {"calm", "hasty"}


@settings(max_examples=20, deadline=None)
@given(
    waves=st.lists(
        st.lists(st.tuples(st.booleans(), st.integers(0, 7)), max_size=8, unique=True), max_size=4
    )
)
def test_memory_and_records_agree_whatever_happens_at_once(
    waves: list[list[tuple[bool, int]]],
) -> None:
    """Some take, some give back, all at the same moment; then a new process looks."""

    async def run(folder: Path) -> None:
        async with Store.open(folder / "records.db") as store:
            addresses = Addresses(store)
            for wave in waves:
                work = [
                    addresses.claim(SMALL, POD, str(number))
                    if takes
                    else addresses.free(POD, str(number))
                    for takes, number in wave
                ]
                await asyncio.gather(*work, return_exceptions=True)
            held = addresses.all_of(POD)
            assert len({claim.ip for claim in held.values()}) == len(held) <= 5
            assert Addresses(store).all_of(POD) == held

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))
