"""Changes to service accounts: ModifyServiceAccount, ModifyServiceAccountPassword."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping

import msgspec

from towline.cloud.action import Action, Answer, AnyAction, Done, Parameters
from towline.cloud.context import Context
from towline.cloud.identifier import secret
from towline.cloud.refusal import Refusal
from towline.cloud.tcr.service_account import Grant, expiry, full_name, no_account, permitted
from towline.resource.credential import Credential, digest_of_password, digest_of_secret
from towline.store.error import NotFound

# What the API asks of a password that somebody has thought of.
_PASSWORD = re.compile(r"(?=.*[A-Z])(?=.*[a-z])(?=.*[0-9])[!-~]{8,20}")


class ModifyServiceAccount(Parameters, frozen=True, kw_only=True):
    """What is to be otherwise; what is not given stays."""

    registry_id: str
    name: str
    description: str | None = None
    duration: int | None = None
    expires_at: int | None = None
    disable: bool | None = None
    permissions: tuple[Grant, ...] | None = None


class ModifyServiceAccountPassword(Parameters, frozen=True, kw_only=True):
    """Which password is to count from now on: a new one of ours, or the one that is given."""

    registry_id: str
    name: str
    random: bool
    password: str = ""


class ChangedPassword(Answer, frozen=True, kw_only=True):
    """The new password, told once."""

    password: str


async def modify_service_account(context: Context, asked: ModifyServiceAccount) -> Done:
    """Change what an account may do, until when, and whether it is on."""
    changes = _changes(context, asked)

    def modify(held: Credential) -> Credential:
        return msgspec.structs.replace(held, **changes)

    await _update(context, asked.registry_id, asked.name, modify)
    return Done()


async def modify_service_account_password(
    context: Context, asked: ModifyServiceAccountPassword
) -> ChangedPassword:
    """Give an account another password; the old one is refused at once."""
    password = secret() if asked.random else asked.password
    if not asked.random and not _PASSWORD.fullmatch(password):
        raise Refusal(
            "InvalidParameter.ErrorTcrInvalidParameter",
            "Password must have 8 to 20 characters, among them an upper-case letter, a lower-case"
            " letter and a digit.",
        )

    digests = await _digests(asked, password)

    def modify(held: Credential) -> Credential:
        return msgspec.structs.replace(held, **digests)

    await _update(context, asked.registry_id, asked.name, modify)
    return ChangedPassword(password=password)


ACTIONS: Mapping[str, AnyAction] = {
    "ModifyServiceAccount": Action(ModifyServiceAccount, modify_service_account),
    "ModifyServiceAccountPassword": Action(
        ModifyServiceAccountPassword, modify_service_account_password
    ),
}


async def _digests(asked: ModifyServiceAccountPassword, password: str) -> dict[str, str]:
    """What is kept of the password: of one that can be guessed only what is slow to try."""
    if asked.random:
        return {"secret_sha256": digest_of_secret(password), "secret_scrypt": ""}
    slow = await asyncio.to_thread(digest_of_password, password, secret())
    return {"secret_sha256": "", "secret_scrypt": slow}


def _changes(context: Context, asked: ModifyServiceAccount) -> dict[str, object]:
    """The fields of the credential that are to be otherwise."""
    instance = context.resources.instance(asked.registry_id)
    changes = dict[str, object]()
    if asked.description is not None:
        changes["description"] = asked.description
    if asked.duration is not None or asked.expires_at is not None:
        changes["expires_at"] = expiry(context, asked.duration, asked.expires_at)
    if asked.disable is not None:
        changes["enabled"] = not asked.disable
    if asked.permissions is not None:
        changes["permissions"] = permitted(context, instance.id, asked.permissions)
    return changes


async def _update(
    context: Context, registry_id: str, name: str, change: Callable[[Credential], Credential]
) -> None:
    instance, account = context.resources.instance(registry_id), full_name(name)

    def update(held: Credential) -> Credential:
        return msgspec.structs.replace(change(held), updated_at=context.now())

    try:
        await context.resources.credentials.update(instance.id, account, update)
    except NotFound:
        raise no_account(account) from None
