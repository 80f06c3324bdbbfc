"""Credentials that change: switched off and on, with other rights, another end or another password."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.clouds import NOW, open_context, refused, running_instance

from towline.cloud.context import Context
from towline.cloud.tcr.namespace import CreateNamespace, create_namespace
from towline.cloud.tcr.service_account import (
    CreateServiceAccount,
    DescribeServiceAccounts,
    Grant,
    ServiceAccount,
    create_service_account,
    describe_service_accounts,
)
from towline.cloud.tcr.service_account_change import (
    ModifyServiceAccount,
    ModifyServiceAccountPassword,
    modify_service_account,
    modify_service_account_password,
)
from towline.cloud.tcr.token import (
    CreateInstanceToken,
    DescribeInstanceToken,
    ModifyInstanceToken,
    TokenInfo,
    create_instance_token,
    describe_instance_token,
    modify_instance_token,
)
from towline.registry.tenancy import Tenancy
from towline.resource.credential import digest_of_secret

MILLISECONDS = int(NOW.timestamp() * 1000)
DAY = 24 * 3600 * 1000
PULL = Grant(resource="apps", actions=("tcr:PullRepository",))
PUSH = Grant(resource="apps", actions=("tcr:PushRepository", "tcr:PullRepository"))


def registry_of(context: Context) -> Tenancy:
    """The registry's own view of who may come."""
    return Tenancy(context.resources.store, NOW.timestamp)


async def token(context: Context, registry_id: str) -> TokenInfo:
    """The only long-term token, as it is listed."""
    asked = DescribeInstanceToken(registry_id=registry_id)
    (shown,) = (await describe_instance_token(context, asked)).tokens
    return shown


async def modify_token(context: Context, registry_id: str, token_id: str, **changes: Any) -> None:
    """Change a token."""
    asked = ModifyInstanceToken(registry_id=registry_id, token_id=token_id, **changes)
    await modify_instance_token(context, asked)


async def with_account(context: Context, name: str = "bot") -> tuple[str, str]:
    """An instance with the namespace `apps` and an account for it; its id and the password."""
    registry_id = await running_instance(context)
    namespace = CreateNamespace(registry_id=registry_id, namespace_name="apps", is_public=False)
    await create_namespace(context, namespace)
    asked = CreateServiceAccount(registry_id=registry_id, name=name, permissions=(PULL,))
    return registry_id, (await create_service_account(context, asked)).password


async def modify_account(context: Context, registry_id: str, **changes: Any) -> ServiceAccount:
    """Change the account `bot`, and see what it has become."""
    asked = ModifyServiceAccount(registry_id=registry_id, name="bot", **changes)
    await modify_service_account(context, asked)
    wanted = DescribeServiceAccounts(registry_id=registry_id, embed_permission=True)
    (shown,) = (await describe_service_accounts(context, wanted)).service_accounts
    return shown


async def new_password(
    context: Context, registry_id: str, password: str = "", name: str = "bot"
) -> str:
    """Give the account a password, ours when none is given."""
    asked = ModifyServiceAccountPassword(
        registry_id=registry_id, name=name, random=not password, password=password
    )
    return (await modify_service_account_password(context, asked)).password


async def test_a_token_that_is_off_opens_nothing(tmp_path: Path) -> None:
    """Until it is on again; the registry knows at once."""
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context)
        asked = CreateInstanceToken(registry_id=registry_id, token_type="longterm")
        made = await create_instance_token(context, asked)
        registry = registry_of(context)
        await modify_token(context, registry_id, made.token_id, enable=False)
        off = (await token(context, registry_id)).enabled
        refused_then = await registry.identify(registry_id, made.username, made.token) is None
        await modify_token(context, registry_id, made.token_id, enable=True)

        assert (off, refused_then) == (False, True)
        assert await registry.identify(registry_id, made.username, made.token) is not None


async def test_a_flag_says_what_of_a_token_changes(tmp_path: Path) -> None:
    """1 is the description, 2 (also when it is not given) is whether it is on."""
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context)
        asked = CreateInstanceToken(registry_id=registry_id, token_type="longterm", desc="old")
        made = await create_instance_token(context, asked)
        more = {"enable": False, "desc": "new"}
        await modify_token(context, registry_id, made.token_id, modify_flag=1, **more)
        described = await token(context, registry_id)

        assert (described.desc, described.enabled) == ("new", True)
        for flag, code in (
            (1, "MissingParameter"),
            (2, "MissingParameter"),
            (3, "InvalidParameter"),
        ):
            with refused(code):
                await modify_token(context, registry_id, made.token_id, modify_flag=flag)


async def test_only_a_listed_token_can_be_changed(tmp_path: Path) -> None:
    """Neither a temporary one, nor an account, nor what is not there."""
    async with open_context(tmp_path) as context:
        registry_id, _ = await with_account(context)
        await create_instance_token(context, CreateInstanceToken(registry_id=registry_id))
        ids = [one.id for one in context.resources.credentials.list(registry_id)]

        assert len(ids) == 2
        for token_id in (*ids, "cnone"):
            with refused("ResourceNotFound.TcrResourceNotFound"):
                await modify_token(context, registry_id, token_id, enable=False)


async def test_an_account_changes_only_where_it_is_told_to(tmp_path: Path) -> None:
    """Description, end, rights and whether it is on, each by itself."""
    async with open_context(tmp_path) as context:
        registry_id, _ = await with_account(context)
        described = await modify_account(context, registry_id, description="ci")
        ended = await modify_account(context, registry_id, duration=2, expires_at=1)
        granted = await modify_account(context, registry_id, permissions=(PUSH,))
        disabled = await modify_account(context, registry_id, disable=True)
        endless = await modify_account(context, registry_id, duration=-1)

        assert (described.description, described.expires_at) == ("ci", -1)
        assert ended.expires_at == MILLISECONDS + 2 * DAY
        assert granted.permissions == (PUSH,)
        assert (disabled.disable, disabled.permissions) == (True, (PUSH,))
        assert (endless.expires_at, endless.disable, endless.description) == (-1, True, "ci")
        assert endless.update_time == "2026-01-02T03:04:05Z"


async def test_an_account_without_rights_is_still_listed(tmp_path: Path) -> None:
    """And can get some."""
    async with open_context(tmp_path) as context:
        registry_id, _ = await with_account(context)
        bare = await modify_account(context, registry_id, permissions=())
        again = await modify_account(context, registry_id, permissions=(PULL,))

        assert bare.permissions == ()
        assert again.permissions == (PULL,)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"expires_at": MILLISECONDS}, "InvalidParameter", id="past"),
        pytest.param({"duration": 10**12}, "InvalidParameter", id="too-many-days"),
        pytest.param({"expires_at": 10**18}, "InvalidParameter", id="too-far"),
        pytest.param(
            {"permissions": (Grant(resource="none", actions=PULL.actions),)},
            "ResourceNotFound.TcrResourceNotFound",
            id="namespace",
        ),
        pytest.param(
            {"permissions": (Grant(resource="apps", actions=("tcr:Fly",)),)},
            "InvalidParameter",
            id="action",
        ),
    ],
)
async def test_what_an_account_cannot_be_is_refused(
    tmp_path: Path, changes: dict[str, Any], code: str
) -> None:
    """And leaves it as it was."""
    async with open_context(tmp_path) as context:
        registry_id, _ = await with_account(context)
        before = context.resources.credentials.list()
        with refused(code):
            await modify_account(context, registry_id, **changes)

        assert context.resources.credentials.list() == before


async def test_a_new_password_makes_the_old_one_worthless(tmp_path: Path) -> None:
    """At once, whether it is ours or the user's own."""
    async with open_context(tmp_path) as context:
        registry_id, old = await with_account(context)
        registry = registry_of(context)
        drawn = await new_password(context, registry_id)
        chosen = await new_password(context, registry_id, "Abcdefg1")
        known = [
            await registry.identify(registry_id, "tcr$bot", one) is not None
            for one in (old, drawn, chosen)
        ]

        assert chosen == "Abcdefg1"
        assert known == [False, False, True]


async def test_a_chosen_password_is_slow_to_try(tmp_path: Path) -> None:
    """Of one of ours the SHA-256 is kept; of a chosen one a salted digest of scrypt, and it opens
    the registry until it is changed to one of ours.
    """
    async with open_context(tmp_path) as context:
        registry_id, _ = await with_account(context)
        registry, kept = registry_of(context), []
        for _ in range(2):
            await new_password(context, registry_id, "Abcdefg1")
            kept.append(context.resources.credentials.list(registry_id)[0])
        found = [
            await registry.identify(registry_id, "tcr$bot", one)
            for one in ("Abcdefg1", "Abcdefg2", "", kept[1].secret_scrypt)
        ]
        drawn = await new_password(context, registry_id)
        (now,) = context.resources.credentials.list(registry_id)

        assert [one is not None for one in found] == [True, False, False, False]
        assert [one.secret_sha256 for one in kept] == ["", ""]
        assert kept[0].secret_scrypt != kept[1].secret_scrypt
        assert (now.secret_sha256, now.secret_scrypt) == (digest_of_secret(drawn), "")
        assert await registry.identify(registry_id, "tcr$bot", "Abcdefg1") is None


async def test_a_chosen_password_of_an_account_that_is_off_opens_nothing(tmp_path: Path) -> None:
    """As every other credential."""
    async with open_context(tmp_path) as context:
        registry_id, _ = await with_account(context)
        await new_password(context, registry_id, "Abcdefg1")
        registry = registry_of(context)
        before = await registry.identify(registry_id, "tcr$bot", "Abcdefg1")
        await modify_account(context, registry_id, disable=True)

        assert before is not None
        assert await registry.identify(registry_id, "tcr$bot", "Abcdefg1") is None


async def test_two_accounts_may_choose_the_same_password(tmp_path: Path) -> None:
    """Each is known by its own name."""
    async with open_context(tmp_path) as context:
        registry_id, _ = await with_account(context)
        other = CreateServiceAccount(registry_id=registry_id, name="other", permissions=(PULL,))
        await create_service_account(context, other)
        for name in ("bot", "other"):
            await new_password(context, registry_id, "Abcdefg1", name)
        registry = registry_of(context)
        found = [
            await registry.identify(registry_id, f"tcr${name}", "Abcdefg1")
            for name in ("bot", "other")
        ]

        assert [one and one.username for one in found] == ["tcr$bot", "tcr$other"]


@pytest.mark.parametrize(
    "password",
    [
        pytest.param("Abcdef1", id="short"),
        pytest.param("Abcdefghijklmnopqrs12", id="long"),
        pytest.param("abcdefg1", id="no-capital"),
        pytest.param("ABCDEFG1", id="no-small"),
        pytest.param("Abcdefgh", id="no-digit"),
        pytest.param("Abcdefg1\n", id="line-end"),
    ],
)
async def test_a_weak_password_is_refused(tmp_path: Path, password: str) -> None:
    """And the old one goes on."""
    async with open_context(tmp_path) as context:
        registry_id, old = await with_account(context)
        with refused("InvalidParameter.ErrorTcrInvalidParameter"):
            await new_password(context, registry_id, password)

        assert await registry_of(context).identify(registry_id, "tcr$bot", old) is not None


async def test_an_account_that_is_not_there_cannot_be_changed(tmp_path: Path) -> None:
    """By no action."""
    async with open_context(tmp_path) as context:
        registry_id = await running_instance(context)
        with refused("ResourceNotFound.TcrResourceNotFound"):
            await modify_account(context, registry_id, disable=True)
        with refused("ResourceNotFound.TcrResourceNotFound"):
            await new_password(context, registry_id)
