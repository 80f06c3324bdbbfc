"""Decisions: made on one state of the store, and made anew when that state is gone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.clouds import open_context
from tests.vpc_calls import vpc_of

from towline.cloud.context import Resources
from towline.cloud.refusal import Refusal
from towline.cloud.transaction import Decision, removal, settle, witness
from towline.resource.claim import Claim
from towline.store.error import NotFound

SCOPE = "test"


def counting(resources: Resources, name: str) -> Decision[int]:
    """One more than there was."""
    record = resources.claims.record(SCOPE, name)
    if record is None:
        return Decision([resources.claims.creation(SCOPE, name, Claim("1"))], 1)
    number = int(resources.claims.decode(record).owner_id) + 1
    return Decision([resources.claims.replacement(record, Claim(str(number)))], number)


async def test_decisions_that_are_made_at_once_see_each_other(tmp_path: Path) -> None:
    """None of ten counts is lost, and none is answered twice."""
    async with open_context(tmp_path) as context:
        resources = context.resources
        answers = await asyncio.gather(
            *(settle(resources.store, lambda: counting(resources, "count")) for _ in range(10))
        )

        assert sorted(answers) == list(range(1, 11))
        assert resources.claims.get(SCOPE, "count") == Claim("10")


async def test_what_a_decision_depends_on_is_noticed_without_being_changed(tmp_path: Path) -> None:
    """A witness keeps the value, and fails the decision when somebody was first."""
    async with open_context(tmp_path) as context:
        resources = context.resources
        vpc_id = await vpc_of(context)
        before, seen = resources.vpcs.get("", vpc_id), list[bool]()

        def decide() -> Decision[str]:
            there = resources.vpcs.get("", vpc_id) is not None
            seen.append(there)
            if not there:
                raise Refusal("ResourceNotFound", "gone")
            creation = resources.claims.creation(SCOPE, "inside", Claim(vpc_id))
            return Decision([witness(resources.vpcs, "", vpc_id), creation], "made")

        def remove() -> Decision[str]:
            return Decision([removal(resources.vpcs, "", vpc_id)], "removed")

        made, removed, late = await asyncio.gather(
            settle(resources.store, decide),
            settle(resources.store, remove),
            settle(resources.store, decide),
            return_exceptions=True,
        )

        assert (made, removed, type(late)) == ("made", "removed", Refusal)
        assert before is not None
        assert resources.claims.get(SCOPE, "inside") == Claim(vpc_id)
        assert seen[-1] is False


async def test_a_decision_that_changes_nothing_writes_nothing(tmp_path: Path) -> None:
    """Nobody who watches is woken."""
    async with open_context(tmp_path) as context:
        store = context.resources.store
        before = store.revision
        answer = await settle(store, lambda: Decision([], "as it was"))

        assert (answer, store.revision) == ("as it was", before)


async def test_what_is_not_there_can_be_no_witness(tmp_path: Path) -> None:
    """Nor be removed: whoever decides has looked before."""
    async with open_context(tmp_path) as context:
        vpcs = context.resources.vpcs
        for write in (witness, removal):
            with pytest.raises(NotFound):
                write(vpcs, "", "vpc-abcd1234")
