"""How evidence tells of a request: what was asked, and how that ended."""

from __future__ import annotations

from towline.diagnosis.observation import HttpOutcome, HttpSeen


def answered(seen: HttpSeen) -> str:
    """`GET https://hub.example/v2/: 401 Unauthorized (UNAUTHORIZED)`."""
    asked = f"{seen.method} {seen.url}"
    if seen.outcome is not HttpOutcome.ANSWERED:
        return f"{asked}: {seen.outcome.value}"
    codes = ", ".join(dict.fromkeys(code for code, _ in seen.errors))
    status = f"{seen.status} {seen.reason}".rstrip()
    return f"{asked}: {status} ({codes})" if codes else f"{asked}: {status}"


def refused(seen: HttpSeen, *statuses: int) -> bool:
    """Whether it was answered, and with one of these."""
    return seen.outcome is HttpOutcome.ANSWERED and seen.status in statuses


def failed_inside(seen: HttpSeen) -> bool:
    """Whether the other side broke down over it: a 5xx, or no answer on a way that passes."""
    broken = {HttpOutcome.TIMED_OUT, HttpOutcome.RESET, HttpOutcome.CLOSED, HttpOutcome.MALFORMED}
    return seen.outcome in broken or (seen.outcome is HttpOutcome.ANSWERED and seen.status >= 500)
