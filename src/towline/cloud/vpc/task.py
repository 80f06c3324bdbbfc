"""Tasks: how clients learn that what they asked for has been done.

A task is told by the revision of the write that asked for it. So it needs no record of its own: it
is running as long as an address that this write has left is still on its way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from towline.cloud.action import Action, Answer, AnyAction, Parameters
from towline.cloud.context import Context, Resources
from towline.cloud.refusal import Refusal
from towline.resource.elastic_ip import ElasticIpStatus
from towline.resource.nat_gateway import NatState

_MOVING = {ElasticIpStatus.CREATING, ElasticIpStatus.BINDING, ElasticIpStatus.UNBINDING}
_REQUEST_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_RUNNING, _DONE = "RUNNING", "SUCCESS"


class TaskStarted(Answer, frozen=True, kw_only=True):
    """What to ask for with `DescribeTaskResult`: a number, as text."""

    task_id: str


class DescribeTaskResult(Parameters, frozen=True, kw_only=True):
    """Which task on addresses to show."""

    task_id: int | None = None
    deal_name: str = ""


class TaskResult(Answer, frozen=True, kw_only=True):
    """How far a task on addresses is."""

    task_id: int
    result: str


class DescribeVpcTaskResult(Parameters, frozen=True, kw_only=True):
    """Which task on gateways to show; its id is the `RequestId` of the answer that began it."""

    task_id: str


class VpcTaskResult(Answer, frozen=True, kw_only=True):
    """How far a task on gateways is."""

    status: str
    output: str = ""
    result: tuple[str, ...] = ()


async def describe_task_result(context: Context, asked: DescribeTaskResult) -> TaskResult:
    """Show whether the addresses that a task was for have come to rest."""
    resources, task = context.resources, asked.task_id
    if task is None:
        raise Refusal("MissingParameter", "The request is missing a required parameter `TaskId`.")
    if not 0 < task <= resources.store.revision:
        raise Refusal("InvalidParameter", f"The task {task} does not exist.")
    collection = resources.elastic_ips
    records = resources.store.list(collection.kind).records
    held = [collection.decode(record) for record in records if record.revision == task]
    is_running = any(one.status in _MOVING for one in held)
    return TaskResult(task_id=task, result=_RUNNING if is_running else _DONE)


async def describe_vpc_task_result(context: Context, asked: DescribeVpcTaskResult) -> VpcTaskResult:
    """Show whether gateways have come to rest: not only one task's, for any may be in its way."""
    if not _REQUEST_ID.fullmatch(asked.task_id):
        raise Refusal("InvalidParameterValue.Malformed", f"`{asked.task_id}` is no RequestId.")
    gateways = context.resources.nat_gateways.list()
    is_running = any(gateway.state is not NatState.AVAILABLE for gateway in gateways)
    return VpcTaskResult(status=_RUNNING if is_running else _DONE)


ACTIONS: Mapping[str, AnyAction] = {
    "DescribeTaskResult": Action(DescribeTaskResult, describe_task_result),
    "DescribeVpcTaskResult": Action(DescribeVpcTaskResult, describe_vpc_task_result),
}


def task_of(resources: Resources, elastic_ip_ids: Sequence[str]) -> str:
    """The task that has just written these addresses, or, if they are gone, all there is."""
    records = (resources.elastic_ips.record("", id_) for id_ in elastic_ip_ids)
    revisions = [record.revision for record in records if record is not None]
    return str(max(revisions, default=resources.store.revision))
