"""Quotas: how many of something were given out, counted by day.

Whoever gives one out writes the count in the same transaction. So two that do it at once see each
other, and neither of them goes over the limit.
"""

from __future__ import annotations

import msgspec

VPCS = "vpcs"
CLUSTERS = "clusters"
ELASTIC_IPS = "elastic-ips"
SECURITY_GROUPS = "security-groups"


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """How many were given out on the last day on which any were."""

    day: str
    """The date in UTC, like 2026-01-02."""
    count: int
