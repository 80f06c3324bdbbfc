"""Public endpoints: opened and closed by asking, and never both at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.clouds import endpoint_done, open_context, refused, running_instance

from towline.cloud.context import Context
from towline.cloud.refusal import Refusal
from towline.cloud.tcr.instance import CreateInstance, DeleteInstance, create_instance
from towline.cloud.tcr.instance import delete_instance as delete
from towline.cloud.tcr.public_endpoint import (
    DescribeExternalEndpointStatus,
    ManageExternalEndpoint,
    describe_external_endpoint_status,
    manage_external_endpoint,
)


async def manage(context: Context, registry_id: str, operation: str) -> None:
    """Ask for an endpoint."""
    asked = ManageExternalEndpoint(registry_id=registry_id, operation=operation)
    await manage_external_endpoint(context, asked)


async def status(context: Context, registry_id: str) -> str:
    """The endpoint's state, as a client polls it."""
    asked = DescribeExternalEndpointStatus(registry_id=registry_id)
    return (await describe_external_endpoint_status(context, asked)).status


async def test_an_endpoint_is_closed_until_somebody_opens_it(tmp_path: Path) -> None:
    """And goes through every state of the API on its way there and back."""
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context)
        seen = [await status(context, registry_id)]
        for operation in ("Create", "Delete"):
            await manage(context, registry_id, operation)
            seen.append(await status(context, registry_id))
            await endpoint_done(context.resources, registry_id)
            seen.append(await status(context, registry_id))

        assert seen == ["Closed", "Opening", "Opened", "Closing", "Closed"]


async def test_what_is_opening_cannot_be_closed(tmp_path: Path) -> None:
    """In the words of the real API."""
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context)
        await manage(context, registry_id, "Create")
        with pytest.raises(Refusal) as refusal:
            await manage(context, registry_id, "Delete")

        assert refusal.value.code == "UnsupportedOperation"
        assert refusal.value.message == (
            "Failed to close public network access."
            " The current public network access status is Opening."
        )


async def test_what_is_open_cannot_be_opened(tmp_path: Path) -> None:
    """Nor can what is closed be closed."""
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context)
        with refused("UnsupportedOperation"):
            await manage(context, registry_id, "Delete")
        await manage(context, registry_id, "Create")
        await endpoint_done(context.resources, registry_id)
        with pytest.raises(Refusal) as refusal:
            await manage(context, registry_id, "Create")

        assert refusal.value.code == "UnsupportedOperation"
        assert refusal.value.message == "The current public network access status is Opened"


async def test_only_one_of_two_opens_an_endpoint(tmp_path: Path) -> None:
    """However they fall together."""
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context)
        answers = await asyncio.gather(
            *(manage(context, registry_id, "Create") for _ in range(4)), return_exceptions=True
        )

        assert sum(answer is None for answer in answers) == 1
        assert await status(context, registry_id) == "Opening"


async def test_an_operation_is_create_or_delete(tmp_path: Path) -> None:
    """Others are told so, and an instance must exist and run."""
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context)
        asked = CreateInstance(registry_name="pending", registry_type="basic")
        pending = await create_instance(context, asked)
        with pytest.raises(Refusal) as refusal:
            await manage(context, registry_id, "Open")
        with refused("ResourceNotFound"):
            await manage(context, "tcr-none", "Create")
        with refused("ResourceInsufficient.ErrorInstanceNotRunning"):
            await manage(context, pending.registry_id, "Create")

        assert refusal.value.code == "InvalidParameter"
        assert "not support operation" in refusal.value.message
        assert "must Create or Delete" in refusal.value.message


async def test_an_instance_takes_its_endpoint_with_it(tmp_path: Path) -> None:
    """Nothing is left for a registry that is going."""
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context)
        await manage(context, registry_id, "Create")
        await delete(context, DeleteInstance(registry_id=registry_id))

        assert context.resources.public_endpoints.list() == ()
