"""When a registry that says "not now" is asked again.

containerd asks again at once after 408 and 429, and never after a fault of the server. For blobs,
of which many are asked for at a time, that is both too hasty and too strict: a server that is
overloaded is given a moment. What a registry itself says in `Retry-After` holds for everything; who
wants more time than anybody here should wait is not asked again, and the pod's own back-off goes on.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_ANSWERS = 5  # containerd gives up after this many answers to one request
MAX_WAIT = 10.0  # seconds in all, for one request
FIRST_WAIT = 0.1
_TOO_MANY = frozenset({408, 429})
_SERVER_FAULTS = frozenset({500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Refusal:
    """A registry's answer that may not be its last."""

    status: int
    retry_after: str
    """The header, as it came; empty without."""
    of_blob: bool


def wait_before_asking_again(refusal: Refusal, answers: int, waited: float) -> float | None:
    """Seconds to wait after so many answers and so many seconds of waiting; None is never."""
    retried = _TOO_MANY | _SERVER_FAULTS if refusal.of_blob else _TOO_MANY
    if refusal.status not in retried or answers > MAX_ANSWERS:
        return None
    if refusal.retry_after.isascii() and refusal.retry_after.isdecimal():
        wait = float(refusal.retry_after[:9])
    else:
        wait = FIRST_WAIT * 2.0 ** (answers - 1) if refusal.of_blob else 0.0
    return wait if waited + wait <= MAX_WAIT else None
