"""Repositories: CreateRepository, DescribeRepositories, ModifyRepository, DeleteRepository.

Most come into being with their first push and are known to the registry alone. The cloud keeps a
record of those that were created or described by their owner; what is shown is both together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from towline.cloud.action import Action, Answer, AnyAction, Done, Parameters
from towline.cloud.contents import Contents
from towline.cloud.context import Context, Resources
from towline.cloud.page import numbered_page
from towline.cloud.refusal import Refusal
from towline.cloud.tcr.place import full_name, missing, namespace_in
from towline.cloud.transaction import Decision, settle, witness
from towline.cloud.visit import HeldRepository, Visit
from towline.resource.edition import EDITIONS
from towline.resource.instance import Instance
from towline.resource.repository import Repository
from towline.store.error import NotFound
from towline.store.write import Create, Update

_SHORTEST = 2  # characters of a name that is asked for; a push may make shorter ones
_MAX_BRIEF, _MAX_DESCRIPTION = 100, 1000


class CreateRepository(Parameters, frozen=True, kw_only=True):
    """What a new repository is to be; a push makes one just as well."""

    registry_id: str
    namespace_name: str
    repository_name: str
    brief_description: str = ""
    description: str = ""


class DescribeRepositories(Parameters, frozen=True, kw_only=True):
    """Which repositories to show; `Offset` is the number of a page."""

    registry_id: str
    namespace_name: str = ""
    repository_name: str = ""
    offset: int = 1
    limit: int = 20
    sort_by: str = "name"


class RepositoryInfo(Answer, frozen=True, kw_only=True):
    """One repository, as the API shows it; its name has its namespace in front."""

    name: str
    namespace: str
    creation_time: str
    public: bool
    description: str
    brief_description: str
    update_time: str


class Repositories(Answer, frozen=True, kw_only=True):
    """Some of the repositories, and how many there are."""

    repository_list: tuple[RepositoryInfo, ...]
    total_count: int


class ModifyRepository(Parameters, frozen=True, kw_only=True):
    """How a repository is to be described."""

    registry_id: str
    namespace_name: str
    repository_name: str
    brief_description: str
    description: str


class DeleteRepository(Parameters, frozen=True, kw_only=True):
    """Which repository to remove; without force only one that is empty."""

    registry_id: str
    namespace_name: str
    repository_name: str
    force_delete: bool = True


async def create_repository(context: Context, asked: CreateRepository) -> Done:
    """Make an empty repository."""
    resources = context.resources
    instance = resources.running(asked.registry_id)
    namespace_in(resources, instance, asked.namespace_name)
    name = full_name(asked.namespace_name, asked.repository_name)
    if len(asked.repository_name) < _SHORTEST:
        raise Refusal(
            "InvalidParameter.ErrorTcrInvalidParameter",
            f"RepositoryName must have at least {_SHORTEST} characters.",
        )
    _check_texts(asked.brief_description, asked.description)
    pushed = {one.name for one in await Contents(context, instance).repositories()}
    now = context.now()
    repository = Repository(
        instance_id=instance.id,
        name=name,
        brief_description=asked.brief_description,
        description=asked.description,
        created_at=now,
        updated_at=now,
    )

    def decide() -> Decision[Done]:
        known = pushed | {one.name for one in resources.repositories.list(instance.id)}
        _check_new(instance, name, known)
        namespace_in(resources, instance, asked.namespace_name)
        kept = witness(resources.namespaces, instance.id, asked.namespace_name)
        created = resources.repositories.creation(instance.id, name, repository)
        return Decision([kept, created], Done())

    return await settle(resources.store, decide)


async def describe_repositories(context: Context, asked: DescribeRepositories) -> Repositories:
    """Show repositories; a given name matches all that contain it."""
    resources = context.resources
    instance = resources.running(asked.registry_id)
    order = _order(asked.sort_by)
    if asked.namespace_name:
        namespace_in(resources, instance, asked.namespace_name)
    prefix = f"{asked.namespace_name}/" if asked.namespace_name else ""
    pushed = await Contents(context, instance).repositories(prefix)
    kept = resources.repositories.list(instance.id)
    public = {one.name: one.public for one in resources.namespaces.list(instance.id)}
    known = [
        one
        for one in _merged(pushed, kept)
        if one.name.startswith(prefix)
        and one.namespace in public  # one whose namespace has just gone is on its way out
        and asked.repository_name in one.name.removeprefix(prefix)
    ]
    found = order(known)
    page = numbered_page(found, asked.offset, asked.limit)
    shown = tuple(_info(one, is_public=public[one.namespace]) for one in page)
    return Repositories(repository_list=shown, total_count=len(found))


async def modify_repository(context: Context, asked: ModifyRepository) -> Done:
    """Describe a repository, whoever made it."""
    resources = context.resources
    instance = resources.running(asked.registry_id)
    namespace_in(resources, instance, asked.namespace_name)
    name = full_name(asked.namespace_name, asked.repository_name)
    _check_texts(asked.brief_description, asked.description)
    async with Contents(context, instance).visit(name) as visit:
        pushed = await visit.repository(name)

    def decide() -> Decision[Done]:
        held = resources.repositories.get(instance.id, name) or _record_of(instance, pushed)
        if held is None:
            raise missing(f"The repository {name} does not exist.")
        namespace_in(resources, instance, asked.namespace_name)
        described = msgspec.structs.replace(
            held,
            brief_description=asked.brief_description,
            description=asked.description,
            updated_at=context.now(),
        )
        kept = witness(resources.namespaces, instance.id, asked.namespace_name)
        return Decision([kept, _writing(resources, described)], Done())

    return await settle(resources.store, decide)


async def delete_repository(context: Context, asked: DeleteRepository) -> Done:
    """Remove a repository with all its images."""
    resources = context.resources
    instance = resources.running(asked.registry_id)
    namespace_in(resources, instance, asked.namespace_name)
    name = full_name(asked.namespace_name, asked.repository_name)
    async with Contents(context, instance).visit(name) as visit:
        if not asked.force_delete:
            await _check_empty(visit, name)
        was_pushed = await visit.remove_repository(name)
    try:
        await resources.repositories.delete(instance.id, name)
    except NotFound:
        if not was_pushed:
            raise missing(f"The repository {name} does not exist.") from None
    return Done()


ACTIONS: Mapping[str, AnyAction] = {
    "CreateRepository": Action(CreateRepository, create_repository),
    "DescribeRepositories": Action(DescribeRepositories, describe_repositories),
    "ModifyRepository": Action(ModifyRepository, modify_repository),
    "DeleteRepository": Action(DeleteRepository, delete_repository),
}


@dataclass(frozen=True, slots=True)
class _Known:
    """A repository as both see it together."""

    name: str
    created_at: datetime
    updated_at: datetime
    description: str = ""
    brief_description: str = ""

    @property
    def namespace(self) -> str:
        return self.name.partition("/")[0]


def _merged(pushed: Iterable[HeldRepository], kept: Iterable[Repository]) -> list[_Known]:
    """All repositories: since the earlier of two times, changed at the later."""
    known = {one.name: _Known(one.name, one.created_at, one.updated_at) for one in pushed}
    for one in kept:
        created = datetime.fromisoformat(one.created_at)
        updated = datetime.fromisoformat(one.updated_at)
        held = known.get(one.name)
        if held is not None:
            created, updated = min(created, held.created_at), max(updated, held.updated_at)
        known[one.name] = _Known(one.name, created, updated, one.description, one.brief_description)
    return list(known.values())


_SORTED_BY: Mapping[str, Callable[[_Known], tuple[object, ...]]] = {
    "name": lambda one: (one.name,),
    "creation_time": lambda one: (one.created_at, one.name),
    "update_time": lambda one: (one.updated_at, one.name),
}


def _order(sort_by: str) -> Callable[[list[_Known]], list[_Known]]:
    """How to put repositories into order; a minus in front turns it round."""
    field = sort_by.removeprefix("-")
    if field not in _SORTED_BY:
        known = ", ".join(_SORTED_BY)
        raise Refusal("InvalidParameter", f"SortBy must be one of {known}, or one with a - before.")
    key, is_reversed = _SORTED_BY[field], sort_by != field
    return lambda known: sorted(known, key=key, reverse=is_reversed)


def _info(known: _Known, *, is_public: bool) -> RepositoryInfo:
    return RepositoryInfo(
        name=known.name,
        namespace=known.namespace,
        creation_time=_written(known.created_at),
        public=is_public,
        description=known.description,
        brief_description=known.brief_description,
        update_time=_written(known.updated_at),
    )


def _written(moment: datetime) -> str:
    """A time as the API writes those of repositories, and only those: as Go prints it."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f} +0000 UTC"


def _record_of(instance: Instance, pushed: HeldRepository | None) -> Repository | None:
    """What is to be kept of a repository that was only pushed so far."""
    if pushed is None:
        return None
    created = pushed.created_at.astimezone(UTC).isoformat()
    return Repository(
        instance_id=instance.id, name=pushed.name, created_at=created, updated_at=created
    )


def _writing(resources: Resources, repository: Repository) -> Create | Update:
    repositories, id_, name = resources.repositories, repository.instance_id, repository.name
    record = repositories.record(id_, name)
    if record is None:
        return repositories.creation(id_, name, repository)
    return repositories.replacement(record, repository)


def _check_texts(brief: str, description: str) -> None:
    if len(brief) > _MAX_BRIEF or len(description) > _MAX_DESCRIPTION:
        raise Refusal(
            "InvalidParameter.ErrorTcrInvalidParameter",
            f"BriefDescription has at most {_MAX_BRIEF} characters, Description {_MAX_DESCRIPTION}.",
        )


def _check_new(instance: Instance, name: str, known: set[str]) -> None:
    if name in known:
        raise Refusal(
            "FailedOperation.ErrorTcrResourceConflict", f"The repository {name} already exists."
        )
    allowed = EDITIONS[instance.edition].repositories
    if len(known) >= allowed:
        raise Refusal(
            "OperationDenied.QuotaOverLimit",
            f"An instance of the {instance.edition} edition has at most {allowed} repositories.",
        )


async def _check_empty(visit: Visit, name: str) -> None:
    held = await visit.repository(name)
    if held is not None and held.tags:
        raise Refusal(
            "FailedOperation.PreconditionFailed", f"The repository {name} still has images."
        )
