"""The `tke` product, version 2018-05-25: all its actions."""

from __future__ import annotations

from collections.abc import Mapping

from towline.cloud.action import AnyAction
from towline.cloud.tke import (
    addon,
    cluster,
    credential,
    image_cache,
    image_cache_change,
    node_pool,
    virtual_node,
)

ACTIONS: Mapping[str, AnyAction] = {
    **cluster.ACTIONS,
    **credential.ACTIONS,
    **node_pool.ACTIONS,
    **virtual_node.ACTIONS,
    **addon.ACTIONS,
    **image_cache.ACTIONS,
    **image_cache_change.ACTIONS,
}
