"""DescribeAudit: what was asked of the cloud, by whom, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from towline.cloud.action import Action, Answer, AnyAction, Parameters
from towline.cloud.context import Context, millisecond
from towline.cloud.page import part
from towline.cloud.refusal import Refusal
from towline.resource.audit_entry import AuditEntry


class DescribeAudit(Parameters, frozen=True, kw_only=True):
    """Which entries to show; conditions that are empty hold for all."""

    since: str = ""
    """RFC 3339, with a time zone."""
    action_names: tuple[str, ...] = ()
    uins: tuple[str, ...] = ()
    offset: int = 0
    limit: int = 20


class AuditEvent(Answer, frozen=True, kw_only=True):
    """One request that may have changed something."""

    request_id: str
    event_time: str
    account: str
    secret_id: str
    session: str
    product: str
    action_name: str
    source_address: str
    client: str
    parameters: str
    outcome: str
    """`OK`, or the code of the error; empty while it is being answered, or if the cloud was ended
    meanwhile."""


class AuditEvents(Answer, frozen=True, kw_only=True):
    """Some of the entries, and how many meet the conditions."""

    total_count: int
    events: tuple[AuditEvent, ...]


async def describe_audit(context: Context, asked: DescribeAudit) -> AuditEvents:
    """Show the audit, the newest first."""
    since = _moment(asked.since)
    entries = [
        one
        for one in reversed(context.resources.audit.list(""))
        if one.at >= since
        and (not asked.action_names or one.action in asked.action_names)
        and (not asked.uins or one.uin in asked.uins)
    ]
    shown = tuple(_event(one) for one in part(entries, asked.offset, asked.limit))
    return AuditEvents(total_count=len(entries), events=shown)


ACTIONS: Mapping[str, AnyAction] = {"DescribeAudit": Action(DescribeAudit, describe_audit)}


def _moment(text: str) -> str:
    """A time as entries have it; empty for the beginning of all."""
    if not text:
        return ""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return millisecond(moment)
    except (ValueError, OverflowError):
        pass
    raise Refusal("InvalidParameterValue", "`Since` must be a time like 2026-01-02T03:04:05Z.")


def _event(entry: AuditEntry) -> AuditEvent:
    return AuditEvent(
        request_id=entry.request_id,
        event_time=entry.at,
        account=entry.uin,
        secret_id=entry.secret_id,
        session=entry.session,
        product=entry.product,
        action_name=entry.action,
        source_address=entry.source,
        client=entry.client,
        parameters=entry.parameters,
        outcome=entry.outcome,
    )
