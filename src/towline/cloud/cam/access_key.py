"""CreateAccessKey, ListAccessKeys, UpdateAccessKey, DeleteAccessKey.

An account comes to be with its first key. Whoever signs with the installation's own key may make
and change keys for any account; everybody else for their own. Temporary credentials may not, or
they would outlive their time.
"""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Mapping

import msgspec

from towline.cloud.action import Action, Answer, AnyAction, Done, Parameters
from towline.cloud.context import Context
from towline.cloud.refusal import Refusal
from towline.cloud.transaction import Decision, removal, settle
from towline.resource.access_key import AccessKey, KeyStatus

MOST = 2  # keys of an account, beside the installation's own: the product's limit
_LETTERS = string.ascii_letters + string.digits
_DESCRIPTION = re.compile(r"[\w+=,.@:/\- ]{0,1024}")
_UIN = re.compile(r"[1-9][0-9]{5,17}")


class CreateAccessKey(Parameters, frozen=True, kw_only=True):
    """For which account to make a key; for the caller's when none is named."""

    target_uin: int | None = None
    description: str = ""


class KeyDetail(Answer, frozen=True, kw_only=True):
    """A new key, with the secret that is told only once."""

    access_key_id: str
    secret_access_key: str
    status: str
    create_time: str
    description: str


class CreatedKey(Answer, frozen=True, kw_only=True):
    """The key that was made."""

    access_key: KeyDetail


class ListAccessKeys(Parameters, frozen=True, kw_only=True):
    """Whose keys to show; the caller's when no account is named."""

    target_uin: int | None = None


class KeyInfo(Answer, frozen=True, kw_only=True):
    """One key, without its secret."""

    access_key_id: str
    status: str
    create_time: str
    description: str


class Keys(Answer, frozen=True, kw_only=True):
    """The keys of an account."""

    access_keys: tuple[KeyInfo, ...]


class UpdateAccessKey(Parameters, frozen=True, kw_only=True):
    """Which key to enable (`Active`) or disable (`Inactive`)."""

    access_key_id: str
    status: str
    target_uin: int | None = None


class DeleteAccessKey(Parameters, frozen=True, kw_only=True):
    """Which key to remove."""

    access_key_id: str
    target_uin: int | None = None


async def create_access_key(context: Context, asked: CreateAccessKey) -> CreatedKey:
    """Make a key, active at once."""
    if _DESCRIPTION.fullmatch(asked.description) is None:
        raise Refusal("InvalidParameter", "Description has characters that are not allowed.")
    uin = _account(context, asked.target_uin)
    key = AccessKey(
        secret_id="AKID" + _random(32),
        secret_key=_random(32),
        uin=uin,
        description=asked.description,
        created_at=context.now(),
    )
    keys = context.resources.access_keys

    def decide() -> Decision[None]:
        if sum(1 for one in keys.list() if one.uin == uin and not one.is_own) >= MOST:
            raise Refusal(
                "OperationDenied.AccessKeyOverLimit", f"An account has at most {MOST} keys."
            )
        return Decision([keys.creation("", key.secret_id, key)], None)

    await settle(context.resources.store, decide)
    detail = KeyDetail(
        access_key_id=key.secret_id,
        secret_access_key=key.secret_key,
        status=key.status,
        create_time=key.created_at,
        description=key.description,
    )
    return CreatedKey(access_key=detail)


async def list_access_keys(context: Context, asked: ListAccessKeys) -> Keys:
    """Show the keys of an account, the oldest first."""
    uin = _account(context, asked.target_uin)
    keys = [one for one in context.resources.access_keys.by_age() if one.uin == uin]
    return Keys(access_keys=tuple(_info(one) for one in keys))


async def update_access_key(context: Context, asked: UpdateAccessKey) -> Done:
    """Enable or disable a key; a disabled one opens nothing from now on."""
    try:
        status = KeyStatus(asked.status)
    except ValueError:
        raise Refusal("InvalidParameter", "Status must be Active or Inactive.") from None
    uin, keys = _account(context, asked.target_uin), context.resources.access_keys

    def decide() -> Decision[Done]:
        held = _changeable(context, uin, asked.access_key_id)
        changed = msgspec.structs.replace(held, status=status)
        return Decision([keys.substitution("", held.secret_id, changed)], Done())

    return await settle(context.resources.store, decide)


async def delete_access_key(context: Context, asked: DeleteAccessKey) -> Done:
    """Remove a key, and with it all temporary credentials that came from it."""
    uin, keys = _account(context, asked.target_uin), context.resources.access_keys

    def decide() -> Decision[Done]:
        held = _changeable(context, uin, asked.access_key_id)
        return Decision([removal(keys, "", held.secret_id)], Done())

    return await settle(context.resources.store, decide)


ACTIONS: Mapping[str, AnyAction] = {
    "CreateAccessKey": Action(CreateAccessKey, create_access_key),
    "ListAccessKeys": Action(ListAccessKeys, list_access_keys),
    "UpdateAccessKey": Action(UpdateAccessKey, update_access_key),
    "DeleteAccessKey": Action(DeleteAccessKey, delete_access_key),
}


def _account(context: Context, target: int | None) -> str:
    """The account that is meant; refused when it is not the caller's to manage."""
    caller = context.caller
    if caller.session:
        raise Refusal("UnauthorizedOperation", "Temporary credentials cannot manage keys.")
    uin = caller.uin if target is None else str(target)
    if _UIN.fullmatch(uin) is None:
        raise Refusal("InvalidParameter.UserNotExist", "TargetUin is not the number of an account.")
    if uin != caller.uin and not caller.key.is_own:
        raise Refusal("UnauthorizedOperation", "Only the installation's own key manages others'.")
    return uin


def _changeable(context: Context, uin: str, secret_id: str) -> AccessKey:
    """The key of an account; refused when there is none, or it stands in the installation's file."""
    key = context.resources.access_keys.get("", secret_id)
    if key is None or key.uin != uin:
        raise Refusal("ResourceNotFound.SecretNotExist", f"There is no key {secret_id}.")
    if key.is_own:
        raise Refusal(
            "FailedOperation.Accesskey",
            "This is the installation's own key: replace it in access-key.json and restart.",
        )
    return key


def _info(key: AccessKey) -> KeyInfo:
    return KeyInfo(
        access_key_id=key.secret_id,
        status=key.status,
        create_time=key.created_at,
        description=key.description,
    )


def _random(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))
