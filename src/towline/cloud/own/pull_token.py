"""CreatePullToken, DeletePullToken: what a cluster pulls with, from every namespace of an instance.

`CreateInstanceToken` allows everything in the instance. A service account is confined to namespaces
that exist when it is made, and an instance has few of them. A cluster needs neither: it pulls,
whatever namespace is made later, for an hour at a time and as many times as it has namespaces of its
own. So this is a credential of our own.
"""

from __future__ import annotations

from collections.abc import Mapping

from towline.cloud.action import Action, Answer, AnyAction, Done, Parameters
from towline.cloud.context import Context
from towline.cloud.identifier import secret, token_id
from towline.cloud.refusal import Refusal
from towline.cloud.tcr.token import TEMPORARY, forget_expired, keep
from towline.resource.credential import (
    EVERY_NAMESPACE,
    Credential,
    Lifetime,
    Permission,
    digest_of_secret,
)
from towline.store.error import NotFound

_PULL = Permission(namespace=EVERY_NAMESPACE, actions=("pull",))


class CreatePullToken(Parameters, frozen=True, kw_only=True):
    """Which instance it is for, and what the token is made for."""

    registry_id: str
    desc: str = ""


class CreatedPullToken(Answer, frozen=True, kw_only=True):
    """The token, told once, and the id under which it can be revoked before its hour is over."""

    username: str
    token: str
    exp_time: int
    token_id: str


class DeletePullToken(Parameters, frozen=True, kw_only=True):
    """Which token to revoke."""

    registry_id: str
    token_id: str


async def create_pull_token(context: Context, asked: CreatePullToken) -> CreatedPullToken:
    """Make a token that pulls from every namespace and does nothing else, for an hour."""
    instance = context.resources.running(asked.registry_id)
    await forget_expired(context, instance.id)
    token, expires_at = secret(), context.milliseconds() + TEMPORARY
    credential = Credential(
        id=token_id(),
        instance_id=instance.id,
        username=context.uin,
        secret_sha256=digest_of_secret(token),
        lifetime=Lifetime.TEMPORARY,
        description=asked.desc,
        created_at=context.now(),
        expires_at=expires_at,
        permissions=(_PULL,),
    )
    await keep(context, credential)
    return CreatedPullToken(
        username=credential.username,
        token=token,
        exp_time=expires_at,
        token_id=credential.id,
    )


async def delete_pull_token(context: Context, asked: DeletePullToken) -> Done:
    """Revoke a pull token at once."""
    resources = context.resources
    instance = resources.instance(asked.registry_id)
    missing = Refusal(
        "ResourceNotFound.TcrResourceNotFound",
        f"The pull token {asked.token_id} does not exist.",
    )
    credential = resources.credentials.get(instance.id, asked.token_id)
    if credential is None or credential.permissions != (_PULL,):
        raise missing
    try:
        await resources.credentials.delete(instance.id, credential.id)
    except NotFound:
        raise missing from None
    return Done()


ACTIONS: Mapping[str, AnyAction] = {
    "CreatePullToken": Action(CreatePullToken, create_pull_token),
    "DeletePullToken": Action(DeletePullToken, delete_pull_token),
}
