"""Public network access: ManageExternalEndpoint, DescribeExternalEndpointStatus.

Opening and closing are asking: the agent opens the door and turns `Opening` into `Opened`, closes it
and turns `Closing` into `Closed`. An endpoint that was closed begins anew, with an empty allowlist.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from towline.cloud.action import Action, Answer, AnyAction, Parameters
from towline.cloud.context import Context, Resources
from towline.cloud.refusal import Refusal
from towline.cloud.transaction import Decision, settle, witness
from towline.resource.public_endpoint import EndpointStatus, PublicEndpoint
from towline.store.write import Create, Update


class ManageExternalEndpoint(Parameters, frozen=True, kw_only=True):
    """Whose endpoint to open (`Create`) or to close (`Delete`)."""

    registry_id: str
    operation: str


class Managed(Answer, frozen=True, kw_only=True):
    """The instance whose endpoint it is."""

    registry_id: str


class DescribeExternalEndpointStatus(Parameters, frozen=True, kw_only=True):
    """Whose endpoint to show."""

    registry_id: str


class Status(Answer, frozen=True, kw_only=True):
    """How far it is, and why it is no further; the reason is empty where nothing went wrong."""

    status: str
    reason: str


async def manage_external_endpoint(context: Context, asked: ManageExternalEndpoint) -> Managed:
    """Ask for the endpoint of a running instance to be opened or closed."""
    if asked.operation not in _NEXT:
        raise Refusal(
            "InvalidParameter", f"not support operation `{asked.operation}`, must Create or Delete"
        )
    resources = context.resources

    def decide() -> Decision[Managed]:
        instance = resources.running(asked.registry_id)
        wanted = _NEXT[asked.operation](endpoint_of(resources, instance.id))
        return Decision(
            [witness(resources.instances, "", instance.id), _writing(resources, wanted)],
            Managed(registry_id=instance.id),
        )

    return await settle(resources.store, decide)


async def describe_external_endpoint_status(
    context: Context, asked: DescribeExternalEndpointStatus
) -> Status:
    """Show the state of an instance's endpoint."""
    instance = context.resources.instance(asked.registry_id)
    endpoint = endpoint_of(context.resources, instance.id)
    return Status(status=endpoint.status.value, reason=endpoint.reason)


ACTIONS: Mapping[str, AnyAction] = {
    "ManageExternalEndpoint": Action(ManageExternalEndpoint, manage_external_endpoint),
    "DescribeExternalEndpointStatus": Action(
        DescribeExternalEndpointStatus, describe_external_endpoint_status
    ),
}


def endpoint_of(resources: Resources, instance_id: str) -> PublicEndpoint:
    """The endpoint of an instance; a closed one where nobody has ever asked for any."""
    held = resources.public_endpoints.get("", instance_id)
    return PublicEndpoint(instance_id=instance_id) if held is None else held


def _opening(endpoint: PublicEndpoint) -> PublicEndpoint:
    if endpoint.status is not EndpointStatus.CLOSED:
        raise Refusal(
            "UnsupportedOperation",
            f"The current public network access status is {endpoint.status}",
        )
    # The version goes on counting, so that what was read before the closing is out of date.
    return PublicEndpoint(
        instance_id=endpoint.instance_id,
        status=EndpointStatus.OPENING,
        version=endpoint.version + 1,
    )


def _closing(endpoint: PublicEndpoint) -> PublicEndpoint:
    if endpoint.status is not EndpointStatus.OPENED:
        raise Refusal(
            "UnsupportedOperation",
            "Failed to close public network access."
            f" The current public network access status is {endpoint.status}.",
        )
    return msgspec.structs.replace(endpoint, status=EndpointStatus.CLOSING)


_NEXT = {"Create": _opening, "Delete": _closing}


def _writing(resources: Resources, endpoint: PublicEndpoint) -> Create | Update:
    endpoints = resources.public_endpoints
    record = endpoints.record("", endpoint.instance_id)
    if record is None:
        return endpoints.creation("", endpoint.instance_id, endpoint)
    return endpoints.replacement(record, endpoint)
