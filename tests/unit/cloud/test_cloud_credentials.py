"""Tokens and service accounts: told once, kept as hashes, gone when deleted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.clouds import NOW, UIN, open_context, refused, running_instance

from towline.cloud.context import Context
from towline.cloud.tcr.namespace import CreateNamespace, create_namespace
from towline.cloud.tcr.service_account import (
    CreatedAccount,
    CreateServiceAccount,
    DeleteServiceAccount,
    DescribeServiceAccounts,
    Grant,
    create_service_account,
    delete_service_account,
    describe_service_accounts,
)
from towline.cloud.tcr.token import (
    CreateInstanceToken,
    DeleteInstanceToken,
    DescribeInstanceToken,
    create_instance_token,
    delete_instance_token,
    describe_instance_token,
)
from towline.resource.credential import digest_of_secret

HOUR = 3600 * 1000
PULL = Grant(resource="apps", actions=("tcr:PullRepository",))
MILLISECONDS = int(NOW.timestamp() * 1000)


async def account(context: Context, registry_id: str, name: str, **more: Any) -> CreatedAccount:
    """Create a service account that may pull from `apps`."""
    asked: dict[str, Any] = {"registry_id": registry_id, "name": name, "permissions": (PULL,)}
    return await create_service_account(context, CreateServiceAccount(**(asked | more)))


def everything_in(folder: Path) -> bytes:
    """The bytes of all files."""
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def with_namespace(context: Context) -> str:
    """An instance with the namespace `apps`."""
    registry_id = await running_instance(context)
    asked = CreateNamespace(registry_id=registry_id, namespace_name="apps", is_public=False)
    await create_namespace(context, asked)
    return registry_id


async def test_a_temporary_token_lives_an_hour_and_has_no_id(tmp_path: Path) -> None:
    """It is not listed, and nothing can revoke it."""
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context)
        made = await create_instance_token(context, CreateInstanceToken(registry_id=registry_id))
        listed = await describe_instance_token(
            context, DescribeInstanceToken(registry_id=registry_id)
        )

        assert (made.username, made.token_id) == (UIN, "")
        assert made.exp_time == MILLISECONDS + HOUR
        assert listed.total_count == 0


async def test_only_the_hash_of_a_secret_is_kept(tmp_path: Path) -> None:
    """The file of the store does not contain the secret."""
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context)
        made = await create_instance_token(context, CreateInstanceToken(registry_id=registry_id))
        (kept,) = context.resources.credentials.list(registry_id)

        assert len(made.token) >= 32
        assert kept.secret_sha256 == digest_of_secret(made.token)
    assert made.token.encode() not in everything_in(tmp_path)


async def test_a_long_term_token_can_be_revoked(tmp_path: Path) -> None:
    """By the id under which it is listed."""
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context)
        asked = CreateInstanceToken(registry_id=registry_id, token_type="longterm", desc="ci")
        made = await create_instance_token(context, asked)
        wanted = DescribeInstanceToken(registry_id=registry_id)
        (listed,) = (await describe_instance_token(context, wanted)).tokens
        revoke = DeleteInstanceToken(registry_id=registry_id, token_id=listed.id)
        await delete_instance_token(context, revoke)

        assert (listed.id, listed.desc, listed.enabled) == (made.token_id, "ci", True)
        assert listed.expired_at == made.exp_time > MILLISECONDS + 9 * 365 * 24 * HOUR
        assert context.resources.credentials.list() == ()
        with refused("ResourceNotFound.TcrResourceNotFound"):
            await delete_instance_token(context, revoke)


async def test_a_temporary_token_is_forgotten_when_it_has_run_out(tmp_path: Path) -> None:
    """The next token sweeps it away."""
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context)
        asked = CreateInstanceToken(registry_id=registry_id)
        await create_instance_token(context, asked)
        later = replace(context, clock=lambda: NOW + timedelta(minutes=61))
        await create_instance_token(later, asked)

        (left,) = context.resources.credentials.list()
        assert left.created_at == "2026-01-02T04:05:05Z"


async def test_a_token_of_another_kind_is_refused(tmp_path: Path) -> None:
    """As is one of an instance that does not exist."""
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context)
        with refused("InvalidParameter"):
            asked = CreateInstanceToken(registry_id=registry_id, token_type="eternal")
            await create_instance_token(context, asked)
        with refused("ResourceNotFound"):
            await create_instance_token(context, CreateInstanceToken(registry_id="tcr-none"))


async def test_a_service_account_may_do_what_it_was_given(tmp_path: Path) -> None:
    """The cloud's words are kept for showing, what they mean for the registry."""
    async with open_context(tmp_path) as context:
        registry_id = await with_namespace(context)
        words = ("tcr:PullRepository", "tcr:PushRepository", "tcr:CreateRepository")
        grant = Grant(resource="apps", actions=words)
        made = await account(context, registry_id, "ci", permissions=(grant,))
        wanted = DescribeServiceAccounts(registry_id=registry_id, embed_permission=True)
        (listed,) = (await describe_service_accounts(context, wanted)).service_accounts
        (kept,) = context.resources.credentials.list(registry_id)

        assert made.name == "tcr$ci"
        assert len(made.password) >= 32
        assert made.expires_at == -1
        assert listed.permissions == (grant,)
        assert kept.username == "tcr$ci"
        assert kept.permissions is not None
        assert [(one.namespace, one.actions) for one in kept.permissions] == [
            ("apps", ("pull", "push"))
        ]


async def test_a_service_account_may_end_by_itself(tmp_path: Path) -> None:
    """In days or at a moment; days go first."""
    async with open_context(tmp_path) as context:
        registry_id = await with_namespace(context)
        moment = MILLISECONDS + HOUR
        days = await account(context, registry_id, "a", duration=2, expires_at=moment)
        until = await account(context, registry_id, "b", expires_at=moment)

        assert days.expires_at == MILLISECONDS + 48 * HOUR
        assert until.expires_at == moment
        with refused("InvalidParameter"):
            await account(context, registry_id, "c", expires_at=MILLISECONDS - 1)


async def test_a_service_account_can_be_deleted_by_either_name(tmp_path: Path) -> None:
    """With the prefix or without it."""
    async with open_context(tmp_path) as context:
        registry_id = await with_namespace(context)
        for made, deleted in (("a", "tcr$a"), ("tcr$b", "b")):
            await account(context, registry_id, made)
            asked = DeleteServiceAccount(registry_id=registry_id, name=deleted)
            await delete_service_account(context, asked)
            with refused("ResourceNotFound.TcrResourceNotFound"):
                await delete_service_account(context, asked)

        assert context.resources.credentials.list() == ()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({"name": "ci"}, "FailedOperation.ErrorTcrResourceConflict", id="taken"),
        pytest.param({"name": "C I"}, "InvalidParameter.ErrorTcrInvalidParameter", id="name"),
        pytest.param(
            {"permissions": (Grant(resource="none", actions=("tcr:PullRepository",)),)},
            "ResourceNotFound.TcrResourceNotFound",
            id="namespace",
        ),
        pytest.param(
            {"permissions": (Grant(resource="apps", actions=("tcr:Everything",)),)},
            "InvalidParameter",
            id="action",
        ),
        pytest.param({"registry_id": "tcr-none"}, "ResourceNotFound", id="instance"),
    ],
)
async def test_a_service_account_that_makes_no_sense_is_refused(
    tmp_path: Path, change: dict[str, Any], code: str
) -> None:
    """With the code of the API."""
    async with open_context(tmp_path) as context:
        registry_id = await with_namespace(context)
        await account(context, registry_id, "ci")
        asked: dict[str, Any] = {"registry_id": registry_id, "name": "other"}
        with refused(code):
            await account(context, **(asked | change))


async def test_service_accounts_have_a_quota(tmp_path: Path) -> None:
    """Ten in the basic edition; tokens do not count."""
    async with open_context(tmp_path) as context:
        registry_id = await with_namespace(context)
        await create_instance_token(context, CreateInstanceToken(registry_id=registry_id))
        for number in range(10):
            await account(context, registry_id, f"a{number}")
        with refused("OperationDenied.QuotaOverLimit"):
            await account(context, registry_id, "one-more")
