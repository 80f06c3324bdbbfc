"""How far an instance is: DescribeInstanceStatus, CheckInstance."""

from __future__ import annotations

from collections.abc import Mapping

from towline.cloud.action import Action, Answer, AnyAction, Parameters
from towline.cloud.context import Context
from towline.cloud.refusal import Refusal
from towline.resource.instance import Instance, InstanceStatus
from towline.resource.region import REGION_IDS

MAX_IDS = 100
_MISSING = {
    InstanceStatus.PENDING: "the registry has not opened the instance's door yet",
    InstanceStatus.DELETING: "the instance is being deleted",
}


class DescribeInstanceStatus(Parameters, frozen=True, kw_only=True):
    """Which instances to show; each must exist."""

    registry_ids: tuple[str, ...]


class Condition(Answer, frozen=True, kw_only=True):
    """One step on an instance's way: its name, whether it is done, and what it waits for."""

    type: str
    status: str
    reason: str


class RegistryStatus(Answer, frozen=True, kw_only=True):
    """The state of one instance."""

    registry_id: str
    status: str
    conditions: tuple[Condition, ...]


class RegistryStatuses(Answer, frozen=True, kw_only=True):
    """One state for each instance asked for, in the same order."""

    registry_status_set: tuple[RegistryStatus, ...]


class CheckInstance(Parameters, frozen=True, kw_only=True):
    """Which instance to look for."""

    registry_id: str


class CheckedInstance(Answer, frozen=True, kw_only=True):
    """Whether the instance can be used, and where it is."""

    is_validated: bool
    region_id: int


async def describe_instance_status(
    context: Context, asked: DescribeInstanceStatus
) -> RegistryStatuses:
    """Show the state of instances."""
    if not 1 <= len(asked.registry_ids) <= MAX_IDS:
        raise Refusal("InvalidParameter", f"RegistryIds must name 1 to {MAX_IDS} registries.")
    shown = tuple(_status(context.resources.instance(id_)) for id_ in asked.registry_ids)
    return RegistryStatuses(registry_status_set=shown)


async def check_instance(context: Context, asked: CheckInstance) -> CheckedInstance:
    """Say whether an instance is there and runs."""
    instance = context.resources.instance(asked.registry_id)
    return CheckedInstance(
        is_validated=instance.status is InstanceStatus.RUNNING,
        region_id=REGION_IDS.get(context.settings.region, 0),
    )


ACTIONS: Mapping[str, AnyAction] = {
    "DescribeInstanceStatus": Action(DescribeInstanceStatus, describe_instance_status),
    "CheckInstance": Action(CheckInstance, check_instance),
}


def _status(instance: Instance) -> RegistryStatus:
    reason = _MISSING.get(instance.status, "")
    condition = Condition(type="Ready", status="False" if reason else "True", reason=reason)
    return RegistryStatus(
        registry_id=instance.id, status=instance.status.value, conditions=(condition,)
    )
