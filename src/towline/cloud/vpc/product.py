"""The `vpc` product, version 2017-03-12: all its actions."""

from __future__ import annotations

from collections.abc import Mapping

from towline.cloud.action import AnyAction
from towline.cloud.vpc import (
    binding,
    elastic_ip,
    nat_address,
    nat_gateway,
    network_interface,
    route,
    route_table,
    security_group,
    security_policy,
    subnet,
    task,
    vpc,
)

ACTIONS: Mapping[str, AnyAction] = {
    **vpc.ACTIONS,
    **subnet.ACTIONS,
    **route_table.ACTIONS,
    **route.ACTIONS,
    **nat_gateway.ACTIONS,
    **nat_address.ACTIONS,
    **elastic_ip.ACTIONS,
    **binding.ACTIONS,
    **security_group.ACTIONS,
    **security_policy.ACTIONS,
    **network_interface.ACTIONS,
    **task.ACTIONS,
}
