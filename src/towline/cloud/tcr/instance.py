"""Registry instances: CreateInstance, DescribeInstances, DeleteInstance.

Creating is asking: the record is `Pending` until the registry has opened the instance's door.
Deleting is asking too: the agent and the registry remove what is theirs, the registry the record at
last.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from towline.cloud.action import Action, Answer, AnyAction, Done, Parameters
from towline.cloud.context import Context, Resources
from towline.cloud.identifier import resource_id
from towline.cloud.page import Filter, matching, part
from towline.cloud.privatedns import link_zone
from towline.cloud.public_address import INSTANCES, claim, free_address
from towline.cloud.refusal import Refusal
from towline.cloud.tag import Tags, TagSpecification, stored, told
from towline.cloud.tcr.instance_change import edition_named
from towline.cloud.tcr.instance_name import naming, refuse_name
from towline.resource import kind
from towline.resource.instance import Instance, InstanceStatus
from towline.resource.link import Link, LinkStatus
from towline.resource.region import REGION_IDS
from towline.store.error import AlreadyExists, Conflict, NotFound
from towline.store.write import Delete, Update, Write

# What is kept under an instance's id.
_PARTS = (kind.NAMESPACE, kind.REPOSITORY, kind.CREDENTIAL, kind.CUSTOM_DOMAIN)
_MOST_TAGS = 10  # the cloud's own limit
_TOKEN_HOURS = 87_600  # ten years, as the cloud says of its long-term tokens
_NEVER = "0001-01-01T00:00:00Z"


class CreateInstance(Parameters, frozen=True, kw_only=True):
    """What a new instance is to be."""

    registry_name: str
    registry_type: str
    tag_specification: TagSpecification | None = None
    registry_charge_type: int = 0
    registry_charge_prepaid: dict[str, int] | None = None
    sync_tag: bool = False
    enable_cos_maz: bool = msgspec.field(name="EnableCosMAZ", default=False)
    deletion_protection: bool = False
    enable_cos_versioning: bool = False


class Created(Answer, frozen=True, kw_only=True):
    """The new instance's id."""

    registry_id: str


class DescribeInstances(Parameters, frozen=True, kw_only=True):
    """Which instances to show."""

    registryids: tuple[str, ...] = ()
    offset: int = 0
    limit: int = 20
    filters: tuple[Filter, ...] = ()
    all_region: bool = False


class Registry(Answer, frozen=True, kw_only=True):
    """One instance, as the API shows it."""

    registry_id: str
    registry_name: str
    registry_type: str
    status: str
    public_domain: str
    created_at: str
    region_name: str
    region_id: int
    enable_anonymous: bool
    token_valid_time: int
    internal_endpoint: str
    tag_specification: Tags
    expired_at: str
    pay_mod: int
    renew_flag: int
    deletion_protection: bool
    enable_cos_maz: bool = msgspec.field(name="EnableCosMAZ")
    enable_cos_versioning: bool


class Instances(Answer, frozen=True, kw_only=True):
    """Some of the instances, and how many there are."""

    total_count: int
    registries: tuple[Registry, ...]


class DeleteInstance(Parameters, frozen=True, kw_only=True):
    """Which instance to remove."""

    registry_id: str
    delete_bucket: bool = False
    dry_run: bool = False


async def create_instance(context: Context, asked: CreateInstance) -> Created:
    """Ask for an instance; its name and its public address are taken in the same moment."""
    resources = context.resources
    _check(context, asked)
    while True:
        instance = _instance(context, asked)
        try:
            await resources.store.apply(
                [
                    naming(resources, instance),
                    claim(resources, instance.public_address, instance.id),
                    resources.instances.creation("", instance.id, instance),
                ]
            )
        except (AlreadyExists, Conflict, NotFound):
            continue  # somebody took the name or the address meanwhile: look again
        return Created(registry_id=instance.id)


async def describe_instances(context: Context, asked: DescribeInstances) -> Instances:
    """Show instances in the order of their creation."""
    resources = context.resources
    wanted = set(asked.registryids)
    chosen = [one for one in resources.instances.by_age() if not wanted or one.id in wanted]
    properties = {
        "RegistryName": lambda one: one.name,
        "RegistryId": lambda one: one.id,
        "RegistryType": lambda one: one.edition,
        "Status": lambda one: one.status.value,
    }
    found = matching(chosen, asked.filters, properties)
    page = part(found, asked.offset, asked.limit)
    shown = tuple(_registry(context, instance) for instance in page)
    return Instances(total_count=len(found), registries=shown)


async def delete_instance(context: Context, asked: DeleteInstance) -> Done:
    """Ask for the removal of an instance with all that is in it.

    Its namespaces, credentials and public endpoint are gone in the same moment, its links are told
    to go.
    """
    while True:
        instance = context.resources.instance(asked.registry_id)
        if instance.deletion_protection:
            raise Refusal("OperationDenied", f"{instance.id} is protected from deletion.")
        if asked.dry_run:
            raise Refusal("DryRunOperation", "The request would have succeeded, without DryRun.")
        try:
            await context.resources.store.apply(_removal(context.resources, instance))
        except (Conflict, NotFound):
            continue  # something of the instance has changed: look again
        return Done()


ACTIONS: Mapping[str, AnyAction] = {
    "CreateInstance": Action(CreateInstance, create_instance),
    "DescribeInstances": Action(DescribeInstances, describe_instances),
    "DeleteInstance": Action(DeleteInstance, delete_instance),
}


def _check(context: Context, asked: CreateInstance) -> None:
    refuse_name(context.resources, asked.registry_name)
    edition_named(asked.registry_type)
    if asked.registry_charge_type != 0:
        raise Refusal("UnsupportedOperation", "Instances cannot be paid for in advance here.")
    if asked.tag_specification and len(asked.tag_specification.tags) > _MOST_TAGS:
        raise Refusal(
            "InvalidParameter.ErrorTagOverLimit", f"An instance has at most {_MOST_TAGS} tags."
        )


def _instance(context: Context, asked: CreateInstance) -> Instance:
    return Instance(
        id=resource_id("tcr"),
        name=asked.registry_name,
        edition=asked.registry_type,
        domain=f"{asked.registry_name}.{context.settings.domain_suffix}",
        public_address=free_address(context.resources, INSTANCES),
        created_at=context.now(),
        deletion_protection=asked.deletion_protection,
        tags=stored(asked.tag_specification),
    )


def _removal(resources: Resources, instance: Instance) -> list[Write]:
    """The writes that begin the end of an instance."""
    id_, store = instance.id, resources.store
    going = msgspec.structs.replace(instance, status=InstanceStatus.DELETING)
    links = [link for link in resources.links.list() if link.instance_id == id_]
    return [
        resources.instances.substitution("", id_, going),
        *(Delete(one.key) for part in _PARTS for one in store.list(part, id_).records),
        *_shutting(resources, id_),
        *(write for link in links for write in link_zone.withdrawals(resources, link)),
        *(_unlink(resources, link) for link in links),
    ]


def _shutting(resources: Resources, instance_id: str) -> list[Write]:
    """The write that takes the public endpoint away, if there ever was one."""
    if resources.public_endpoints.get("", instance_id) is None:
        return []
    return [resources.public_endpoints.removal("", instance_id)]


def _unlink(resources: Resources, link: Link) -> Update:
    ending = msgspec.structs.replace(
        link,
        status=LinkStatus.DELETING,
        resolve_default_domain=False,
        resolve_vpc_domain=False,
    )
    return resources.links.substitution(link.vpc_id, link.instance_id, ending)


def _registry(context: Context, instance: Instance) -> Registry:
    links = (one for one in context.resources.links.list() if one.instance_id == instance.id)
    return Registry(
        registry_id=instance.id,
        registry_name=instance.name,
        registry_type=instance.edition,
        status=instance.status.value,
        public_domain=instance.domain,
        created_at=instance.created_at,
        region_name=context.settings.region,
        region_id=REGION_IDS.get(context.settings.region, 0),
        enable_anonymous=True,
        token_valid_time=_TOKEN_HOURS,
        internal_endpoint=next((link.access_ip for link in links if link.access_ip), ""),
        tag_specification=told("instance", instance.tags),
        expired_at=_NEVER,
        pay_mod=0,
        renew_flag=0,
        deletion_protection=instance.deletion_protection,
        enable_cos_maz=False,
        enable_cos_versioning=False,
    )
