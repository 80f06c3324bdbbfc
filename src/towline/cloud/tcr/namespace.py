"""Namespaces of an instance: Create-, Describe-, Modify-, DeleteNamespace."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from towline.cloud.action import Action, Answer, AnyAction, Done, Parameters
from towline.cloud.contents import Contents
from towline.cloud.context import Context, Resources
from towline.cloud.page import Filter, matching, numbered_page
from towline.cloud.refusal import Refusal
from towline.cloud.tag import Tags, TagSpecification, stored, told
from towline.cloud.tcr.place import missing, namespace_in
from towline.cloud.transaction import Decision, removal, settle, witness
from towline.resource.edition import EDITIONS
from towline.resource.instance import Instance, Namespace
from towline.store.error import NotFound

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


class ModifyNamespace(Parameters, frozen=True, kw_only=True):
    """What is to be otherwise; what is not given stays. Terraform gives everything."""

    registry_id: str
    namespace_name: str
    is_public: bool | None = None
    is_auto_scan: bool = False
    is_prevent_vul: bool = msgspec.field(name="IsPreventVUL", default=False)
    severity: str = ""
    cve_whitelist_items: tuple[CveWhitelistItem, ...] = msgspec.field(
        name="CVEWhitelistItems", default=()
    )
    tag_specification: TagSpecification | None = None


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
    _refuse_scans(asked)
    resources = context.resources
    namespace = Namespace(
        instance_id=instance.id,
        name=asked.namespace_name,
        public=asked.is_public,
        created_at=context.now(),
        tags=stored(asked.tag_specification),
    )

    def decide() -> Decision[Done]:
        resources.running(instance.id)
        _check_new(resources, instance, namespace.name)
        kept = witness(resources.instances, "", instance.id)
        created = resources.namespaces.creation(instance.id, namespace.name, namespace)
        return Decision([kept, created], Done())

    return await settle(resources.store, decide)


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


async def modify_namespace(context: Context, asked: ModifyNamespace) -> Done:
    """Change who may pull without a login, or the tags."""
    instance = context.resources.running(asked.registry_id)
    _refuse_scans(asked)

    def modify(held: Namespace) -> Namespace:
        public = held.public if asked.is_public is None else asked.is_public
        given = asked.tag_specification
        tags = held.tags if given is None else stored(given)
        return msgspec.structs.replace(held, public=public, tags=tags)

    try:
        await context.resources.namespaces.update(instance.id, asked.namespace_name, modify)
    except NotFound:
        raise missing(f"The namespace {asked.namespace_name} does not exist.") from None
    return Done()


async def delete_namespace(context: Context, asked: DeleteNamespace) -> Done:
    """Remove a namespace that has no repositories."""
    resources = context.resources
    instance = resources.instance(asked.registry_id)
    name = namespace_in(resources, instance, asked.namespace_name).name
    if await Contents(context, instance).has_repositories(name):
        raise _not_empty(name)

    def decide() -> Decision[Done]:
        namespace_in(resources, instance, name)
        kept = resources.repositories.list(instance.id)
        if any(one.name.startswith(f"{name}/") for one in kept):
            raise _not_empty(name)
        return Decision([removal(resources.namespaces, instance.id, name)], Done())

    return await settle(resources.store, decide)


ACTIONS: Mapping[str, AnyAction] = {
    "CreateNamespace": Action(CreateNamespace, create_namespace),
    "DescribeNamespaces": Action(DescribeNamespaces, describe_namespaces),
    "ModifyNamespace": Action(ModifyNamespace, modify_namespace),
    "DeleteNamespace": Action(DeleteNamespace, delete_namespace),
}


def _refuse_scans(asked: CreateNamespace | ModifyNamespace) -> None:
    if asked.is_auto_scan or asked.is_prevent_vul:
        raise Refusal("UnsupportedOperation", "Images are not scanned for vulnerabilities here.")


def _check_new(resources: Resources, instance: Instance, name: str) -> None:
    known = resources.namespaces.list(instance.id)
    if any(one.name == name for one in known):
        raise Refusal(
            "FailedOperation.ErrorTcrResourceConflict", f"The namespace {name} already exists."
        )
    allowed = EDITIONS[instance.edition].namespaces
    if len(known) >= allowed:
        raise Refusal(
            "OperationDenied.QuotaOverLimit",
            f"An instance of the {instance.edition} edition has at most {allowed} namespaces.",
        )


def _not_empty(name: str) -> Refusal:
    return Refusal(
        "FailedOperation.PreconditionFailed", f"The namespace {name} still has repositories."
    )


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
        tag_specification=told("namespace", namespace.tags),
        metadata=metadata,
        cve_whitelist_items=(),
        auto_scan=False,
        prevent_vul=False,
        severity="",
    )
