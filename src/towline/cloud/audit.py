"""The audit: every request that may change something is written down before it is answered, and its
outcome after.

What the cloud was about to do when it was killed is thus on record, too. Requests whose signature
is not good have no account and are not kept: anybody could fill the audit with them.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import msgspec

from towline.cloud.authenticate import Caller, HttpRequest
from towline.cloud.context import millisecond
from towline.cloud.refusal import Refusal
from towline.resource.audit_entry import DONE, AuditEntry
from towline.store.collection import Collection
from towline.store.error import NotFound

MOST = 5_000  # entries: some megabytes in the memory of each role that reads the records
KEPT = timedelta(days=90)
_SURPLUS = 50  # entries that are removed at once, so that not every request removes one
_LONGEST = 4096  # characters of parameters
_LONGEST_CLIENT = 200

_READING = re.compile(
    r"(Describe|List|Check|Trace)[A-Z]\w*|GetCallerIdentity|GetMostSuitableImageCache"
)
_SECRET = re.compile(
    r"password|secret(?!_?id)|token(?!_?(id|type))|privatekey|rawvalues", re.IGNORECASE
)
_HIDDEN = "***"


def only_reads(action: str) -> bool:
    """Whether an action of this name changes nothing, as its first word says."""
    return _READING.fullmatch(action) is not None


def entry(
    request: HttpRequest, caller: Caller, action: str, request_id: str, now: datetime
) -> AuditEntry:
    """What is written down of a request."""
    client = request.headers.get("x-tc-requestclient") or request.headers.get("user-agent", "")
    return AuditEntry(
        request_id=request_id,
        at=millisecond(now),
        uin=caller.uin,
        secret_id=caller.key.secret_id,
        session=caller.session,
        product=caller.service,
        action=action,
        source=request.source,
        client=_printable(client)[:_LONGEST_CLIENT],
        parameters="",
    )


def without_secrets(parameters: Mapping[str, Any]) -> str:
    """The parameters in JSON: whatever is named like a secret is hidden, at every depth."""
    text = json.dumps(_shown(parameters), ensure_ascii=True, separators=(",", ":"))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


class Audit:
    """Writes the audit."""

    def __init__(self, entries: Collection[AuditEntry]) -> None:
        self._entries = entries

    @asynccontextmanager
    async def noting(self, entry: AuditEntry) -> AsyncIterator[None]:
        """Write down that a request has come, and at the end of the block how it ended."""
        await self._forget(entry.at)
        await self._entries.create("", entry.name, entry)
        try:
            yield
        except Refusal as refusal:
            await self._end(entry, refusal.code)
            raise
        except Exception:
            await self._end(entry, "InternalError")
            raise
        await self._end(entry, DONE)

    async def _end(self, entry: AuditEntry, outcome: str) -> None:
        try:
            await self._entries.update(
                "", entry.name, lambda held: msgspec.structs.replace(held, outcome=outcome)
            )
        except NotFound:
            return  # so much was asked meanwhile that it is forgotten already

    async def _forget(self, now: str) -> None:
        """Remove what is too old, or too much."""
        held = self._entries.list("")
        oldest = millisecond(datetime.fromisoformat(now) - KEPT)
        old = sum(1 for one in held if one.at < oldest) if held and held[0].at < oldest else 0
        surplus = len(held) - MOST if len(held) >= MOST + _SURPLUS else 0
        for one in held[: max(old, surplus)]:
            try:
                await self._entries.delete("", one.name)
            except NotFound:
                continue  # another request has just removed it


def _shown(value: Any, depth: int = 0) -> Any:
    if depth > 20:  # deeper than any parameter; JSON of thousands of brackets ends here
        return _HIDDEN
    if isinstance(value, Mapping):
        return {
            str(name): _HIDDEN if _SECRET.search(str(name)) else _shown(inner, depth + 1)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_shown(inner, depth + 1) for inner in value]
    return value


def _printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())
