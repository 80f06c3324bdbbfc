"""Access tokens of an instance: Create-, Describe-, Modify-, DeleteInstanceToken.

A token's user name is the account's number. The secret is told once and kept as its hash only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from towline.cloud.action import Action, Answer, AnyAction, Done, Parameters
from towline.cloud.context import Context
from towline.cloud.identifier import secret, token_id
from towline.cloud.page import part
from towline.cloud.refusal import Refusal
from towline.cloud.transaction import Decision, settle, witness
from towline.resource.credential import Credential, Lifetime, digest_of_secret
from towline.store.error import NotFound

TEMPORARY = 3600 * 1000  # milliseconds: one hour
_LONG_TERM = 87_600 * TEMPORARY  # ten years


class CreateInstanceToken(Parameters, frozen=True, kw_only=True):
    """Which kind of token to make."""

    registry_id: str
    token_type: str = "temp"  # noqa: S105  # the name of a kind, not a secret
    desc: str = ""


class CreatedToken(Answer, frozen=True, kw_only=True):
    """The token, told once; a temporary one has no id, for it cannot be revoked."""

    username: str
    token: str
    exp_time: int
    token_id: str


class DescribeInstanceToken(Parameters, frozen=True, kw_only=True):
    """Which tokens to show."""

    registry_id: str
    limit: int = 20
    offset: int = 0


class TokenInfo(Answer, frozen=True, kw_only=True):
    """One long-term token, without its secret."""

    id: str
    desc: str
    registry_id: str
    enabled: bool
    created_at: str
    expired_at: int


class Tokens(Answer, frozen=True, kw_only=True):
    """Some of the long-term tokens, and how many there are."""

    total_count: int
    tokens: tuple[TokenInfo, ...]


class ModifyInstanceToken(Parameters, frozen=True, kw_only=True):
    """What is to be otherwise; `ModifyFlag` says which of the two it is."""

    registry_id: str
    token_id: str
    enable: bool | None = None
    desc: str | None = None
    modify_flag: int = 2


class DeleteInstanceToken(Parameters, frozen=True, kw_only=True):
    """Which token to revoke."""

    registry_id: str
    token_id: str


async def create_instance_token(context: Context, asked: CreateInstanceToken) -> CreatedToken:
    """Make a token with which the account may do everything in the instance."""
    instance = context.resources.running(asked.registry_id)
    lifetime = _lifetime(asked.token_type)
    await forget_expired(context, instance.id)
    length = _LONG_TERM if lifetime is Lifetime.LONG_TERM else TEMPORARY
    token = secret()
    credential = Credential(
        id=token_id(),
        instance_id=instance.id,
        username=context.uin,
        secret_sha256=digest_of_secret(token),
        lifetime=lifetime,
        description=asked.desc,
        created_at=context.now(),
        expires_at=context.milliseconds() + length,
    )
    await keep(context, credential)
    return CreatedToken(
        username=credential.username,
        token=token,
        exp_time=credential.expires_at or 0,
        token_id=credential.id if lifetime is Lifetime.LONG_TERM else "",
    )


async def describe_instance_token(context: Context, asked: DescribeInstanceToken) -> Tokens:
    """Show the long-term tokens, oldest first."""
    instance = context.resources.instance(asked.registry_id)
    tokens = [one for one in context.resources.credentials.by_age(instance.id) if _is_listed(one)]
    shown = tuple(_info(one) for one in part(tokens, asked.offset, asked.limit))
    return Tokens(total_count=len(tokens), tokens=shown)


async def modify_instance_token(context: Context, asked: ModifyInstanceToken) -> Done:
    """Describe a long-term token, or switch it on or off: what is off is refused at once."""
    change = _modification(asked)
    resources = context.resources
    instance = resources.instance(asked.registry_id)
    missing = _missing(asked.token_id)

    def modify(credential: Credential) -> Credential:
        if not _is_listed(credential):
            raise missing
        return change(credential)

    try:
        await resources.credentials.update(instance.id, asked.token_id, modify)
    except NotFound:
        raise missing from None
    return Done()


async def delete_instance_token(context: Context, asked: DeleteInstanceToken) -> Done:
    """Revoke a long-term token at once."""
    resources = context.resources
    instance = resources.instance(asked.registry_id)
    missing = _missing(asked.token_id)
    credential = resources.credentials.get(instance.id, asked.token_id)
    if credential is None or not _is_listed(credential):
        raise missing
    try:
        await resources.credentials.delete(instance.id, credential.id)
    except NotFound:
        raise missing from None
    return Done()


ACTIONS: Mapping[str, AnyAction] = {
    "CreateInstanceToken": Action(CreateInstanceToken, create_instance_token),
    "DescribeInstanceToken": Action(DescribeInstanceToken, describe_instance_token),
    "ModifyInstanceToken": Action(ModifyInstanceToken, modify_instance_token),
    "DeleteInstanceToken": Action(DeleteInstanceToken, delete_instance_token),
}


async def keep(context: Context, credential: Credential) -> None:
    """Store a credential of an instance that still runs at that moment."""
    resources, instance_id = context.resources, credential.instance_id

    def decide() -> Decision[None]:
        resources.running(instance_id)
        created = resources.credentials.creation(instance_id, credential.id, credential)
        return Decision([witness(resources.instances, "", instance_id), created], None)

    await settle(resources.store, decide)


async def forget_expired(context: Context, instance_id: str) -> None:
    """Drop temporary credentials that have run out, so that they do not pile up."""
    now, credentials = context.milliseconds(), context.resources.credentials
    for credential in credentials.list(instance_id):
        is_temporary = credential.lifetime is Lifetime.TEMPORARY
        if is_temporary and credential.expires_at is not None and credential.expires_at < now:
            try:
                await credentials.delete(instance_id, credential.id)
            except NotFound:
                continue  # another request has dropped it


def _modification(asked: ModifyInstanceToken) -> Callable[[Credential], Credential]:
    match asked.modify_flag:
        case 1 if asked.desc is not None:
            description = asked.desc
            return lambda held: msgspec.structs.replace(held, description=description)
        case 2 if asked.enable is not None:
            enabled = asked.enable
            return lambda held: msgspec.structs.replace(held, enabled=enabled)
        case 1 | 2:
            needed = "Desc" if asked.modify_flag == 1 else "Enable"
            raise Refusal(
                "MissingParameter", f"ModifyFlag {asked.modify_flag} needs the parameter {needed}."
            )
    raise Refusal(
        "InvalidParameter", "ModifyFlag must be 1 (the description) or 2 (enabled or not)."
    )


def _missing(token_id: str) -> Refusal:
    return Refusal("ResourceNotFound.TcrResourceNotFound", f"The token {token_id} does not exist.")


def _lifetime(token_type: str) -> Lifetime:
    try:
        return Lifetime(token_type)
    except ValueError:
        raise Refusal("InvalidParameter", "TokenType must be temp or longterm.") from None


def _is_listed(credential: Credential) -> bool:
    return credential.permissions is None and credential.lifetime is Lifetime.LONG_TERM


def _info(credential: Credential) -> TokenInfo:
    return TokenInfo(
        id=credential.id,
        desc=credential.description,
        registry_id=credential.instance_id,
        enabled=credential.enabled,
        created_at=credential.created_at,
        expired_at=credential.expires_at or 0,
    )
