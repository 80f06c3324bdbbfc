"""Quotas at work: what was given out today, and the write that counts some more."""

from __future__ import annotations

from towline.cloud.context import Context
from towline.resource.quota import Quota
from towline.store.write import Create, Update


def given_today(context: Context, what: str) -> int:
    """How many were given out since midnight, UTC."""
    held = context.resources.quotas.get("", what)
    return held.count if held is not None and held.day == context.today() else 0


def counted(context: Context, what: str, more: int = 1) -> Create | Update:
    """The write that counts `more`; of two that are decided at once, only one can be written."""
    quotas = context.resources.quotas
    counting = Quota(day=context.today(), count=given_today(context, what) + more)
    record = quotas.record("", what)
    if record is None:
        return quotas.creation("", what, counting)
    return quotas.replacement(record, counting)
