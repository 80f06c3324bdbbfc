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
from towline.cloud.transaction import Decision, settle, witness
from towline.resource.credential import Credential, Lifetime, Permission, digest_of_secret
from towline.resource.edition import EDITIONS
from towline.resource.instance import Instance
from towline.store.error import NotFound

_PREFIX = "tcr$"
_NAME = re.compile(r"(?=.{1,100}$)[a-z0-9]+(?:[._-][a-z0-9]+)*")
_DAY = 24 * 3600 * 1000  # milliseconds
_NEVER = -1
MAX_DAYS = 36_500  # ours; a hundred years keep every time within what a date can be
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
    name = full_name(asked.name)
    permissions = permitted(context, instance.id, asked.permissions)
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
        expires_at=expiry(context, asked.duration, asked.expires_at),
        permissions=permissions,
    )

    def decide() -> Decision[None]:
        resources.running(instance.id)
        _check_new(instance, name, resources.credentials.list(instance.id))
        created = resources.credentials.creation(instance.id, name, credential)
        return Decision([witness(resources.instances, "", instance.id), created], None)

    await settle(resources.store, decide)
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
    accounts = [
        one for one in context.resources.credentials.list(instance.id) if one.is_service_account
    ]
    found = matching(accounts, asked.filters, {"Name": lambda one: one.username})
    page = found if asked.all else part(found, asked.offset, asked.limit)
    shown = tuple(_account(one, grants=_grants(one, asked)) for one in page)
    return ServiceAccounts(service_accounts=shown, total_count=len(found))


async def delete_service_account(context: Context, asked: DeleteServiceAccount) -> Done:
    """Remove an account at once."""
    instance = context.resources.instance(asked.registry_id)
    name = full_name(asked.name)
    try:
        await context.resources.credentials.delete(instance.id, name)
    except NotFound:
        raise no_account(name) from None
    return Done()


ACTIONS: Mapping[str, AnyAction] = {
    "CreateServiceAccount": Action(CreateServiceAccount, create_service_account),
    "DescribeServiceAccounts": Action(DescribeServiceAccounts, describe_service_accounts),
    "DeleteServiceAccount": Action(DeleteServiceAccount, delete_service_account),
}


def full_name(name: str) -> str:
    """The name of an account with the prefix that it always has; refused when it is none."""
    short = name.removeprefix(_PREFIX)
    if not _NAME.fullmatch(short):
        raise Refusal(
            "InvalidParameter.ErrorTcrInvalidParameter",
            f"`{name}` is no account name: a-z, 0-9 and single . _ - between them.",
        )
    return _PREFIX + short


def no_account(name: str) -> Refusal:
    """What is said of an account that is not there."""
    return Refusal(
        "ResourceNotFound.TcrResourceNotFound", f"The service account {name} does not exist."
    )


def permitted(
    context: Context, instance_id: str, grants: Sequence[Grant]
) -> tuple[Permission, ...]:
    """The permissions that grants amount to; refused when a namespace or an action is unknown."""
    return tuple(_permission(context, instance_id, grant) for grant in grants)


def expiry(context: Context, duration: int | None, expires_at: int | None) -> int | None:
    """When an account ends, in milliseconds; None when it never does. A number of days goes before
    a point in time, and neither 0 nor a negative number is an end.
    """
    if duration is not None and duration > MAX_DAYS:
        raise Refusal("InvalidParameter", f"Duration must not be over {MAX_DAYS} days.")
    if duration is not None:
        return context.milliseconds() + duration * _DAY if duration > 0 else None
    if expires_at is None or expires_at <= 0:
        return None
    if expires_at <= context.milliseconds():
        raise Refusal("InvalidParameter", "ExpiresAt is in the past.")
    if expires_at > context.milliseconds() + MAX_DAYS * _DAY:
        raise Refusal("InvalidParameter", f"ExpiresAt must not be over {MAX_DAYS} days away.")
    return expires_at


def _check_new(instance: Instance, name: str, credentials: Sequence[Credential]) -> None:
    if any(one.id == name for one in credentials):
        raise Refusal(
            "FailedOperation.ErrorTcrResourceConflict", f"The service account {name} exists."
        )
    allowed = EDITIONS[instance.edition].service_accounts
    if sum(one.is_service_account for one in credentials) >= allowed:
        raise Refusal(
            "OperationDenied.QuotaOverLimit",
            f"An instance of the {instance.edition} edition has at most {allowed} accounts.",
        )


def _permission(context: Context, instance_id: str, grant: Grant) -> Permission:
    if context.resources.namespaces.get(instance_id, grant.resource) is None:
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
        update_time=credential.updated_at or credential.created_at,
        permissions=grants,
    )
