"""Changes to an instance: ModifyInstance, RenewInstance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from towline.cloud.action import Action, AnyAction, Done, Parameters
from towline.cloud.contents import Contents
from towline.cloud.context import Context, Resources
from towline.cloud.refusal import Refusal
from towline.cloud.transaction import Decision, settle
from towline.cloud.visit import HeldRepository
from towline.resource.edition import EDITIONS, Edition
from towline.resource.instance import Instance


class ModifyInstance(Parameters, frozen=True, kw_only=True):
    """What is to be otherwise; what is not given stays."""

    registry_id: str
    registry_type: str | None = None
    deletion_protection: bool | None = None
    enable_cos_versioning: bool | None = None


class RenewInstance(Parameters, frozen=True, kw_only=True):
    """For how long an instance is to be paid for in advance."""

    registry_id: str
    registry_charge_prepaid: dict[str, int]
    flag: int


async def modify_instance(context: Context, asked: ModifyInstance) -> Done:
    """Change the edition or the protection of a running instance."""
    resources = context.resources
    if asked.enable_cos_versioning:
        raise Refusal("UnsupportedOperation", "Stored objects have no versions here.")
    pushed: list[HeldRepository] = []
    if asked.registry_type is not None:
        edition_named(asked.registry_type)
        pushed = await Contents(context, resources.running(asked.registry_id)).repositories()

    def decide() -> Decision[Done]:
        instance = resources.running(asked.registry_id)
        changed = _changed(instance, asked)
        if EDITIONS[changed.edition] != EDITIONS[instance.edition]:
            _check_room(resources, instance, changed.edition, pushed)
        if changed == instance:
            return Decision((), Done())
        return Decision([resources.instances.substitution("", instance.id, changed)], Done())

    return await settle(resources.store, decide)


async def renew_instance(context: Context, asked: RenewInstance) -> Done:
    """Refuse: instances are paid for as they are used, so there is nothing to renew."""
    instance = context.resources.instance(asked.registry_id)
    raise Refusal("UnsupportedOperation", f"{instance.id} is not paid for in advance.")


ACTIONS: Mapping[str, AnyAction] = {
    "ModifyInstance": Action(ModifyInstance, modify_instance),
    "RenewInstance": Action(RenewInstance, renew_instance),
}


def edition_named(name: str) -> Edition:
    """The edition with a name; refused when there is none."""
    if name not in EDITIONS:
        raise Refusal(
            "InvalidParameterValue", f"RegistryType must be one of {', '.join(EDITIONS)}."
        )
    return EDITIONS[name]


def _changed(instance: Instance, asked: ModifyInstance) -> Instance:
    if asked.registry_type is not None:
        instance = msgspec.structs.replace(instance, edition=asked.registry_type)
    if asked.deletion_protection is not None:
        instance = msgspec.structs.replace(instance, deletion_protection=asked.deletion_protection)
    return instance


def _check_room(
    resources: Resources, instance: Instance, edition: str, pushed: Iterable[HeldRepository]
) -> None:
    """Refuse an edition that has no room for what the instance has already."""
    allowed, id_ = EDITIONS[edition], instance.id
    links = sum(link.instance_id == id_ for link in resources.links.list())
    accounts = sum(one.is_service_account for one in resources.credentials.list(id_))
    made = {one.name for one in resources.repositories.list(id_)}
    repositories = made | {one.name for one in pushed}
    for has, may_have, what in (
        (len(repositories), allowed.repositories, "repositories"),
        (len(resources.namespaces.list(id_)), allowed.namespaces, "namespaces"),
        (links, allowed.links, "access linkages"),
        (accounts, allowed.service_accounts, "service accounts"),
    ):
        if has > may_have:
            raise Refusal(
                "OperationDenied",
                f"{id_} has {has} {what}; the {edition} edition has at most {may_have}.",
            )
