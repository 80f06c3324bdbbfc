"""`towline audit`: who changed what, from where, and what became of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from towline.cli.access_key import accounts
from towline.cli.cloud_call import call
from towline.cli.render import Output, OutputOption, show_rows
from towline.problem import Problem

if TYPE_CHECKING:
    from towline.client.cloud_account import AuditView

_SPAN = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def audit_command(
    *,
    since: Annotated[
        str, typer.Option("--since", help="A span like 30m, 12h or 7d, or a time in RFC 3339.")
    ] = "",
    action: Annotated[
        list[str] | None, typer.Option("--action", help="Only this action; may be repeated.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 50,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show who asked the cloud for changes, the newest first.

    Kept are the last five thousand requests of the last ninety days; secrets are not written down.

    Example: towline audit --since 1h --action DeleteInstance
    """
    begin = beginning(since, datetime.now(UTC))

    async def run() -> list[AuditView]:
        return await accounts().audit(begin, action or [], limit)

    found = call(run())
    shape = _whole if output is Output.JSON else _short
    show_rows([shape(one) for one in found], output, empty="Nothing was changed.")


def beginning(since: str, now: datetime) -> str:
    """The time that `--since` means, as the API wants it; raises `Problem`."""
    span = _SPAN.fullmatch(since)
    try:
        if span is not None:
            return (now - timedelta(**{_UNITS[span[2]]: int(span[1])})).isoformat()
        if not since:
            return ""
        moment = datetime.fromisoformat(since)
    except (ValueError, OverflowError) as error:
        raise Problem(
            "since-malformed",
            cause=f"--since {since!r} is neither a span nor a time",
            remedy="write it like 30m, 12h, 7d or 2026-01-02T03:04:05Z",
        ) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def _short(one: AuditView) -> dict[str, Any]:
    return {
        "time": one.event_time,
        "who": f"{one.account}/{one.session}" if one.session else one.account,
        "from": one.source_address,
        "action": f"{one.product}:{one.action_name}",
        "outcome": one.outcome or "not known",
    }


def _whole(one: AuditView) -> dict[str, Any]:
    return {
        "time": one.event_time,
        "account": one.account,
        "session": one.session,
        "secretId": one.secret_id,
        "source": one.source_address,
        "client": one.client,
        "product": one.product,
        "action": one.action_name,
        "parameters": one.parameters,
        "outcome": one.outcome,
        "requestId": one.request_id,
    }
