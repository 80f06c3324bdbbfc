"""The `tcr` product, version 2019-09-24: all its actions."""

from __future__ import annotations

from collections.abc import Mapping

from towline.cloud.action import AnyAction
from towline.cloud.tcr import (
    custom_domain,
    duplicate_image,
    image,
    instance,
    instance_change,
    instance_name,
    instance_status,
    link,
    namespace,
    public_endpoint,
    region,
    repository,
    resolution,
    security_policy,
    service_account,
    service_account_change,
    token,
)

ACTIONS: Mapping[str, AnyAction] = {
    **instance.ACTIONS,
    **instance_change.ACTIONS,
    **instance_name.ACTIONS,
    **instance_status.ACTIONS,
    **region.ACTIONS,
    **namespace.ACTIONS,
    **repository.ACTIONS,
    **image.ACTIONS,
    **duplicate_image.ACTIONS,
    **token.ACTIONS,
    **service_account.ACTIONS,
    **service_account_change.ACTIONS,
    **link.ACTIONS,
    **resolution.ACTIONS,
    **custom_domain.ACTIONS,
    **public_endpoint.ACTIONS,
    **security_policy.ACTIONS,
}
