"""What of a container's log is wanted: the kubelet's reading of `PodLogOptions` in a query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from towline.cluster.node.log_line import nanoseconds_of

_PER_SECOND = 1_000_000_000


class BadOptions(Exception):
    """A query that says nothing sensible; the text and the status are the kubelet's."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class LogOptions:
    """None means without limit."""

    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail_lines: int | None = None
    limit_bytes: int | None = None
    since: int | None = None
    """Nanoseconds since the epoch."""

    @classmethod
    def parse(cls, query: Mapping[str, str], now: float) -> LogOptions:
        """Read a query; raises `BadOptions`."""
        seconds, time = _number(query, "sinceSeconds"), query.get("sinceTime")
        tail, limit = _number(query, "tailLines"), _number(query, "limitBytes")
        wrong = (
            (tail is not None and tail < 0)
            or (limit is not None and limit < 1)
            or (seconds is not None and (seconds < 1 or time))
        )
        if wrong:
            raise BadOptions(422, '{"message": "Invalid request."}')
        return cls(
            follow=_flag(query, "follow"),
            previous=_flag(query, "previous"),
            timestamps=_flag(query, "timestamps"),
            tail_lines=tail,
            limit_bytes=limit,
            since=_since(seconds, time, now),
        )


def _since(seconds: int | None, time: str | None, now: float) -> int | None:
    if seconds is not None:
        return int((now - seconds) * _PER_SECOND)
    if not time:
        return None
    found = nanoseconds_of(time)
    if found is None:
        raise _undecodable()
    return found


def _number(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name, "")
    if not text:
        return None
    try:
        return int(text)
    except ValueError as error:
        raise _undecodable() from error


def _flag(query: Mapping[str, str], name: str) -> bool:
    """As Go's conversion of queries reads a bool: anything but false and 0 is true."""
    return name in query and query[name].lower() not in ("false", "0")


def _undecodable() -> BadOptions:
    return BadOptions(400, '{"message": "Unable to decode query."}')
