"""DescribeInstanceDoors: by which doors an instance can be reached.

The official `Registry` object has no place for the loopback door, and the SDK warns of fields that
it does not know; so this is an action of a product of our own.
"""

from __future__ import annotations

from collections.abc import Mapping

from towline.cloud.action import Action, Answer, AnyAction, Parameters
from towline.cloud.context import Context


class DescribeInstanceDoors(Parameters, frozen=True, kw_only=True):
    """Whose doors to show; of all instances when none is named."""

    registry_ids: tuple[str, ...] = ()


class Door(Answer, frozen=True, kw_only=True):
    """The names and addresses of one instance."""

    registry_id: str
    domain: str
    vpc_domain: str
    public_address: str
    loopback_endpoint: str
    """Empty until the registry has opened it."""


class Doors(Answer, frozen=True, kw_only=True):
    """The doors of the instances asked for."""

    door_set: tuple[Door, ...]


async def describe_instance_doors(context: Context, asked: DescribeInstanceDoors) -> Doors:
    """Show how instances can be reached."""
    resources = context.resources
    ids = asked.registry_ids or tuple(instance.id for instance in resources.instances.list())
    shown = tuple(
        Door(
            registry_id=instance.id,
            domain=instance.domain,
            vpc_domain=instance.vpc_domain,
            public_address=instance.public_address,
            loopback_endpoint=(
                f"http://127.0.0.1:{instance.loopback_port}" if instance.loopback_port else ""
            ),
        )
        for instance in map(resources.instance, ids)
    )
    return Doors(door_set=shown)


ACTIONS: Mapping[str, AnyAction] = {
    "DescribeInstanceDoors": Action(DescribeInstanceDoors, describe_instance_doors),
}
