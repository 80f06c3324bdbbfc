"""Pull tokens: for every namespace of an instance, and for nothing but pulling."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from tests.clouds import NOW, UIN, open_context, refused, running_instance

from towline.cloud.own.pull_token import (
    CreatePullToken,
    DeletePullToken,
    create_pull_token,
    delete_pull_token,
)
from towline.cloud.tcr.service_account import DescribeServiceAccounts, describe_service_accounts
from towline.cloud.tcr.token import (
    CreateInstanceToken,
    DeleteInstanceToken,
    DescribeInstanceToken,
    create_instance_token,
    delete_instance_token,
    describe_instance_token,
)
from towline.resource.credential import digest_of_secret
from towline.resource.edition import EDITIONS

HOUR = 3600 * 1000
MILLISECONDS = int(NOW.timestamp() * 1000)
MISSING = "ResourceNotFound.TcrResourceNotFound"


async def test_a_pull_token_is_the_accounts_and_lives_an_hour(tmp_path: Path) -> None:
    """It may pull, from every namespace; only the hash of its secret is kept."""
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context)
        asked = CreatePullToken(registry_id=registry_id, desc="for the cluster")
        made = await create_pull_token(context, asked)
        kept = context.resources.credentials.get(registry_id, made.token_id)

        assert (made.username, made.exp_time) == (UIN, MILLISECONDS + HOUR)
        assert kept is not None
        assert kept.secret_sha256 == digest_of_secret(made.token)
        assert kept.description == "for the cluster"
        assert [(one.namespace, one.actions) for one in kept.permissions or ()] == [
            ("*", ("pull",))
        ]


async def test_a_pull_token_can_be_revoked(tmp_path: Path) -> None:
    """By its id, and only once; a token of another kind has another way."""
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context)
        made = await create_pull_token(context, CreatePullToken(registry_id=registry_id))
        other = CreateInstanceToken(registry_id=registry_id, token_type="longterm")
        lasting = await create_instance_token(context, other)
        with refused(MISSING):
            asked = DeleteInstanceToken(registry_id=registry_id, token_id=made.token_id)
            await delete_instance_token(context, asked)
        with refused(MISSING):
            wrong = DeletePullToken(registry_id=registry_id, token_id=lasting.token_id)
            await delete_pull_token(context, wrong)
        revoke = DeletePullToken(registry_id=registry_id, token_id=made.token_id)
        await delete_pull_token(context, revoke)
        with refused(MISSING):
            await delete_pull_token(context, revoke)

        (left,) = context.resources.credentials.list(registry_id)
        assert left.id == lasting.token_id


async def test_pull_tokens_take_no_place_of_service_accounts(tmp_path: Path) -> None:
    """They are neither listed nor counted: a cluster may have more namespaces than that."""
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context)
        for _ in range(EDITIONS["basic"].service_accounts + 1):
            await create_pull_token(context, CreatePullToken(registry_id=registry_id))
        accounts = await describe_service_accounts(
            context, DescribeServiceAccounts(registry_id=registry_id, all=True)
        )
        tokens = await describe_instance_token(
            context, DescribeInstanceToken(registry_id=registry_id)
        )

        assert (accounts.total_count, tokens.total_count) == (0, 0)


async def test_a_pull_token_is_forgotten_when_it_has_run_out(tmp_path: Path) -> None:
    """The next one sweeps it away."""
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context)
        asked = CreatePullToken(registry_id=registry_id)
        await create_pull_token(context, asked)
        later = replace(context, clock=lambda: NOW + timedelta(minutes=61))
        made = await create_pull_token(later, asked)

        (left,) = context.resources.credentials.list(registry_id)
        assert left.id == made.token_id


async def test_there_is_no_pull_token_without_an_instance(tmp_path: Path) -> None:
    """Neither to make nor to revoke."""
    async with open_context(tmp_path) as context:
        with refused("ResourceNotFound"):
            await create_pull_token(context, CreatePullToken(registry_id="tcr-none"))
        with refused("ResourceNotFound"):
            await delete_pull_token(
                context, DeletePullToken(registry_id="tcr-none", token_id="none")
            )
