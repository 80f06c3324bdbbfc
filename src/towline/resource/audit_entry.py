"""One line of the audit: who asked for a change, from where, and what became of it."""

from __future__ import annotations

import msgspec

BEGUN = ""
"""The outcome of a request that is being answered, or was when the cloud ended."""
DONE = "OK"


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One request that may have changed something."""

    request_id: str
    at: str
    """When it came: RFC 3339 in UTC, to the millisecond, so that text order is the order of time."""
    uin: str
    secret_id: str
    session: str = ""
    """The name under which temporary credentials were given out; empty for a lasting key."""
    product: str
    action: str
    source: str
    """The address of the client."""
    client: str
    """What the client calls itself."""
    parameters: str
    """As they came, in JSON, without secrets; cut where they are long."""
    outcome: str = BEGUN
    """`OK`, or the code of the error."""

    @property
    def name(self) -> str:
        """Under what it is stored: names in order are entries in time."""
        return f"{self.at} {self.request_id}"
