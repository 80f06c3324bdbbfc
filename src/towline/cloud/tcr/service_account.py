"""Service accounts: CreateServiceAccount, DescribeServiceAccounts, DeleteServiceAccount.

A service account is a user `tcr$<name>` of one instance with rights in some of its namespaces.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from towline.cloud.action import Action, Answer, AnyAction, Done, Parameters
from towline.cloud.context import Context
from towline.cloud.identifier import secret
from towline.cloud.page import Filter, matching, part
from towline.cloud.refusal import Refusal
from towline.resource.credential import Credential, Lifetime, Permission, digest_of_secret
from towline.resource.edition import EDITIONS
from towline.resource.instance import Instance
from towline.store.error import AlreadyExists, NotFound

_PREFIX = "tcr$"
_NAME = re.compile(r"(?=.{1,100}$)[a-z0-9]+(?:[._-][a-z0-9]+)*")
_DAY = 24 * 3600 * 1000  # milliseconds
_NEVER = -1
_MEANING = {
    "tcr:PullRepository": ("pull",),
    "tcr:PushRepository": ("push",),
    "tcr:CreateRepository": ("push",),
    "tcr:CreateHelmChart": ("push",),
    "tcr:DescribeHelmCharts": ("pull",),
    "tcr:DeleteRepository": ("delete",),
    "tcr:DeleteTag": ("delete",),
}


class Grant(Parameters, frozen=True, kw_only=True):
    """What an account may do in a namespace, in the cloud's words."""

    resource: str
    actions: tuple[str, ...]


class CreateServiceAccount(Parameters, frozen=True, kw_only=True):
    """What a new account is to be; `Duration` (days) goes before `ExpiresAt` (milliseconds)."""

    registry_id: str
    name: str
    permissions: tuple[Grant, ...]
    description: str = ""
    duration: int | None = None
    expires_at: int | None = None
    disable: bool = False


class CreatedAccount(Answer, frozen=True, kw_only=True):
    """The account and its password, told once."""

    name: str
    password: str
    expires_at: int
    create_time: str


class DescribeServiceAccounts(Parameters, frozen=True, kw_only=True):
    """Which accounts to show."""

    registry_id: str
    all: bool = False
    embed_permission: bool = False
    filters: tuple[Filter, ...] = ()
    offset: int = 0
    limit: int = 20


class ServiceAccount(Answer, frozen=True, kw_only=True):
    """One account, without its password."""

    name: str
    description: str
    disable: bool
    expires_at: int
    create_time: str
    update_time: str
    permissions: tuple[Grant, ...]


class ServiceAccounts(Answer, frozen=True, kw_only=True):
    """Some of the accounts, and how many there are."""

    service_accounts: tuple[ServiceAccount, ...]
    total_count: int


class DeleteServiceAccount(Parameters, frozen=True, kw_only=True):
    """Which account to remove."""

    registry_id: str
    name: str


async def create_service_account(context: Context, asked: CreateServiceAccount) -> CreatedAccount:
    """Make an account for a machine."""
    resources = context.resources
    instance = resources.running(asked.registry_id)
    name = _full_name(asked.name)
    _check_quota(instance, resources.credentials.list(instance.id))
    permissions = tuple(_permission(context, instance, grant) for grant in asked.permissions)
    password = secret()
    credential = Credential(
        id=name,
        instance_id=instance.id,
        username=name,
        secret_sha256=digest_of_secret(password),
        lifetime=Lifetime.LONG_TERM,
        description=asked.description,
        enabled=not asked.disable,
        created_at=context.now(),
        expires_at=_expiry(context, asked),
        permissions=permissions,
    )
    try:
        await resources.credentials.create(instance.id, name, credential)
    except AlreadyExists as error:
        raise Refusal(
            "FailedOperation.ErrorTcrResourceConflict", f"The service account {name} exists."
        ) from error
    return CreatedAccount(
        name=name,
        password=password,
        expires_at=credential.expires_at or _NEVER,
        create_time=credential.created_at,
    )


async def describe_service_accounts(
    context: Context, asked: DescribeServiceAccounts
) -> ServiceAccounts:
    """Show accounts in the order of their names; their permissions only when asked for."""
    instance = context.resources.instance(asked.registry_id)
    accounts = [one for one in context.resources.credentials.list(instance.id) if one.permissions]
    found = matching(accounts, asked.filters, {"Name": lambda one: one.username})
    page = found if asked.all else part(found, asked.offset, asked.limit)
    shown = tuple(_account(one, grants=_grants(one, asked)) for one in page)
    return ServiceAccounts(service_accounts=shown, total_count=len(found))


async def delete_service_account(context: Context, asked: DeleteServiceAccount) -> Done:
    """Remove an account at once."""
    instance = context.resources.instance(asked.registry_id)
    name = _full_name(asked.name)
    try:
        await context.resources.credentials.delete(instance.id, name)
    except NotFound:
        raise Refusal(
            "ResourceNotFound.TcrResourceNotFound", f"The service account {name} does not exist."
        ) from None
    return Done()


ACTIONS: Mapping[str, AnyAction] = {
    "CreateServiceAccount": Action(CreateServiceAccount, create_service_account),
    "DescribeServiceAccounts": Action(DescribeServiceAccounts, describe_service_accounts),
    "DeleteServiceAccount": Action(DeleteServiceAccount, delete_service_account),
}


def _full_name(name: str) -> str:
    short = name.removeprefix(_PREFIX)
    if not _NAME.fullmatch(short):
        raise Refusal(
            "InvalidParameter.ErrorTcrInvalidParameter",
            f"`{name}` is no account name: a-z, 0-9 and single . _ - between them.",
        )
    return _PREFIX + short


def _check_quota(instance: Instance, credentials: Sequence[Credential]) -> None:
    allowed = EDITIONS[instance.edition].service_accounts
    if sum(one.permissions is not None for one in credentials) >= allowed:
        raise Refusal(
            "OperationDenied.QuotaOverLimit",
            f"An instance of the {instance.edition} edition has at most {allowed} accounts.",
        )


def _permission(context: Context, instance: Instance, grant: Grant) -> Permission:
    if context.resources.namespaces.get(instance.id, grant.resource) is None:
        raise Refusal(
            "ResourceNotFound.TcrResourceNotFound",
            f"The namespace {grant.resource} does not exist.",
        )
    unknown = [action for action in grant.actions if action not in _MEANING]
    if unknown or not grant.actions:
        raise Refusal(
            "InvalidParameter",
            f"Actions must be some of {', '.join(_MEANING)}.",
        )
    meant = {action for name in grant.actions for action in _MEANING[name]}
    return Permission(namespace=grant.resource, actions=tuple(sorted(meant)), asked=grant.actions)


def _expiry(context: Context, asked: CreateServiceAccount) -> int | None:
    if asked.duration is not None and asked.duration > 0:
        return context.milliseconds() + asked.duration * _DAY
    if asked.duration is None and asked.expires_at is not None and asked.expires_at > 0:
        if asked.expires_at <= context.milliseconds():
            raise Refusal("InvalidParameter", "ExpiresAt is in the past.")
        return asked.expires_at
    return None


def _grants(credential: Credential, asked: DescribeServiceAccounts) -> tuple[Grant, ...]:
    if not asked.embed_permission:
        return ()
    permissions = credential.permissions or ()
    return tuple(Grant(resource=one.namespace, actions=one.asked) for one in permissions)


def _account(credential: Credential, *, grants: tuple[Grant, ...]) -> ServiceAccount:
    return ServiceAccount(
        name=credential.username,
        description=credential.description,
        disable=not credential.enabled,
        expires_at=credential.expires_at or _NEVER,
        create_time=credential.created_at,
        update_time=credential.created_at,
        permissions=grants,
    )
