"""The subscription: SubscribePrivateZoneService, DescribePrivateZoneService.

Nobody pays here, but as in the cloud there is no zone of one's own before one has subscribed.
"""

from __future__ import annotations

from collections.abc import Mapping

from towline.cloud.action import Action, Answer, AnyAction, Parameters
from towline.cloud.context import Context, Resources
from towline.cloud.refusal import Refusal
from towline.cloud.transaction import Decision, settle
from towline.resource.private_zone import PrivateZoneService
from towline.store.write import Create

_NAME = "service"


class AskService(Parameters, frozen=True, kw_only=True):
    """Nothing has to be said."""


class ServiceStatus(Answer, frozen=True, kw_only=True):
    """Whether the service is subscribed to."""

    service_status: str


async def subscribe_private_zone_service(context: Context, asked: AskService) -> ServiceStatus:
    """Subscribe; once is enough."""
    del asked
    resources = context.resources

    def decide() -> Decision[ServiceStatus]:
        return Decision(subscription(resources, context.now()), _status(is_subscribed=True))

    return await settle(resources.store, decide)


async def describe_private_zone_service(context: Context, asked: AskService) -> ServiceStatus:
    """Tell whether somebody has subscribed."""
    del asked
    return _status(is_subscribed=_is_subscribed(context.resources))


ACTIONS: Mapping[str, AnyAction] = {
    "SubscribePrivateZoneService": Action(AskService, subscribe_private_zone_service),
    "DescribePrivateZoneService": Action(AskService, describe_private_zone_service),
}


def subscription(resources: Resources, now: str) -> list[Create]:
    """The write that subscribes, if nobody has."""
    if _is_subscribed(resources):
        return []
    held = PrivateZoneService(subscribed_at=now)
    return [resources.private_zone_services.creation("", _NAME, held)]


def check_subscribed(resources: Resources) -> None:
    """Refuse when nobody has subscribed."""
    if not _is_subscribed(resources):
        raise Refusal(
            "ResourceNotFound.ServiceNotSubscribed",
            "Private DNS is not activated: call SubscribePrivateZoneService first.",
        )


def _is_subscribed(resources: Resources) -> bool:
    return resources.private_zone_services.record("", _NAME) is not None


def _status(*, is_subscribed: bool) -> ServiceStatus:
    return ServiceStatus(service_status="ENABLED" if is_subscribed else "DISABLED")
