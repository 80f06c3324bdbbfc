"""The `privatedns` product, version 2020-10-28: all its actions."""

from __future__ import annotations

from collections.abc import Mapping

from towline.cloud.action import AnyAction
from towline.cloud.privatedns import binding, record, service, zone

ACTIONS: Mapping[str, AnyAction] = {
    **service.ACTIONS,
    **zone.ACTIONS,
    **binding.ACTIONS,
    **record.ACTIONS,
}
