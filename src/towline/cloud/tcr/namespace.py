"""Namespaces of an instance: CreateNamespace, DescribeNamespaces, DeleteNamespace."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from towline.cloud.action import Action, Answer, AnyAction, Done, Parameters
from towline.cloud.contents import Contents
from towline.cloud.context import Context
from towline.cloud.page import Filter, matching, numbered_page
from towline.cloud.refusal import Refusal
from towline.cloud.tag import Tags, TagSpecification, told
from towline.resource.edition import EDITIONS
from towline.resource.instance import Namespace
from towline.store.error import AlreadyExists, NotFound

# 2 to 30 characters; separators neither at the ends nor next to each other.
_NAME = re.compile(r"(?=.{2,30}$)[a-z0-9]+(?:[._-][a-z0-9]+)*")


class CveWhitelistItem(Parameters, frozen=True, kw_only=True):
    """A vulnerability that is not to count."""

    cve_id: str = msgspec.field(name="CVEID")


class CreateNamespace(Parameters, frozen=True, kw_only=True):
    """What a new namespace is to be."""

    registry_id: str
    namespace_name: str
    is_public: bool
    tag_specification: TagSpecification | None = None
    is_auto_scan: bool = False
    is_prevent_vul: bool = msgspec.field(name="IsPreventVUL", default=False)
    severity: str = ""
    cve_whitelist_items: tuple[CveWhitelistItem, ...] = msgspec.field(
        name="CVEWhitelistItems", default=()
    )


class DescribeNamespaces(Parameters, frozen=True, kw_only=True):
    """Which namespaces to show; `Offset` is the number of a page."""

    registry_id: str
    namespace_name: str = ""
    limit: int = 20
    offset: int = 1
    all: bool = False
    filters: tuple[Filter, ...] = ()
    kms_sign_policy: bool = False


class Metadata(Answer, frozen=True, kw_only=True):
    """One property of a namespace, as text."""

    key: str
    value: str


class NamespaceInfo(Answer, frozen=True, kw_only=True):
    """One namespace, as the API shows it."""

    name: str
    creation_time: str
    public: bool
    namespace_id: int
    tag_specification: Tags
    metadata: tuple[Metadata, ...]
    cve_whitelist_items: tuple[CveWhitelistItem, ...] = msgspec.field(name="CVEWhitelistItems")
    auto_scan: bool
    prevent_vul: bool = msgspec.field(name="PreventVUL")
    severity: str


class Namespaces(Answer, frozen=True, kw_only=True):
    """Some of the namespaces, and how many there are."""

    namespace_list: tuple[NamespaceInfo, ...]
    total_count: int


class DeleteNamespace(Parameters, frozen=True, kw_only=True):
    """Which namespace to remove."""

    registry_id: str
    namespace_name: str


async def create_namespace(context: Context, asked: CreateNamespace) -> Done:
    """Make a namespace; a push does not."""
    instance = context.resources.running(asked.registry_id)
    if not _NAME.fullmatch(asked.namespace_name):
        raise Refusal(
            "InvalidParameter.ErrorTcrInvalidParameter",
            f"`{asked.namespace_name}` is no namespace name: 2 to 30 of a-z, 0-9 and single . _ -"
            " between them.",
        )
    if asked.is_auto_scan or asked.is_prevent_vul:
        raise Refusal("UnsupportedOperation", "Images are not scanned for vulnerabilities here.")
    namespaces = context.resources.namespaces
    if len(namespaces.list(instance.id)) >= EDITIONS[instance.edition].namespaces:
        raise Refusal(
            "OperationDenied.QuotaOverLimit",
            f"An instance of the {instance.edition} edition has at most"
            f" {EDITIONS[instance.edition].namespaces} namespaces.",
        )
    namespace = Namespace(
        instance_id=instance.id,
        name=asked.namespace_name,
        public=asked.is_public,
        created_at=context.now(),
    )
    try:
        await namespaces.create(instance.id, namespace.name, namespace)
    except AlreadyExists as error:
        raise Refusal(
            "FailedOperation.ErrorTcrResourceConflict",
            f"The namespace {namespace.name} already exists.",
        ) from error
    return Done()


async def describe_namespaces(context: Context, asked: DescribeNamespaces) -> Namespaces:
    """Show namespaces in the order of their names; a given name matches all that contain it."""
    instance = context.resources.instance(asked.registry_id)
    named = [
        namespace
        for namespace in context.resources.namespaces.list(instance.id)
        if asked.namespace_name in namespace.name
    ]
    found = matching(named, asked.filters, {"NamespaceName": lambda one: one.name})
    page = found if asked.all else numbered_page(found, asked.offset, asked.limit)
    shown = tuple(_info(context, namespace) for namespace in page)
    return Namespaces(namespace_list=shown, total_count=len(found))


async def delete_namespace(context: Context, asked: DeleteNamespace) -> Done:
    """Remove a namespace that has no repositories."""
    resources = context.resources
    instance = resources.instance(asked.registry_id)
    missing = Refusal(
        "ResourceNotFound.TcrResourceNotFound",
        f"The namespace {asked.namespace_name} does not exist.",
    )
    if resources.namespaces.get(instance.id, asked.namespace_name) is None:
        raise missing
    if await Contents(context).has_repositories(instance, asked.namespace_name):
        raise Refusal(
            "FailedOperation.PreconditionFailed",
            f"The namespace {asked.namespace_name} still has repositories.",
        )
    try:
        await resources.namespaces.delete(instance.id, asked.namespace_name)
    except NotFound:
        raise missing from None
    return Done()


ACTIONS: Mapping[str, AnyAction] = {
    "CreateNamespace": Action(CreateNamespace, create_namespace),
    "DescribeNamespaces": Action(DescribeNamespaces, describe_namespaces),
    "DeleteNamespace": Action(DeleteNamespace, delete_namespace),
}


def _info(context: Context, namespace: Namespace) -> NamespaceInfo:
    record = context.resources.namespaces.record(namespace.instance_id, namespace.name)
    properties = {"auto_scan": False, "prevent_vul": False, "public": namespace.public}
    metadata = tuple(
        Metadata(key=key, value="true" if value else "false") for key, value in properties.items()
    )
    return NamespaceInfo(
        name=namespace.name,
        creation_time=namespace.created_at.replace("Z", "+00:00"),
        public=namespace.public,
        namespace_id=0 if record is None else record.created,
        tag_specification=told("namespace", {}),
        metadata=metadata,
        cve_whitelist_items=(),
        auto_scan=False,
        prevent_vul=False,
        severity="",
    )
