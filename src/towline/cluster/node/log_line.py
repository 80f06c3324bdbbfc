"""Lines of a container's log file in CRI format: `2016-10-06T00:17:09.669794202Z stdout F text`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

_LINE = re.compile(rb"(\S+) (stdout|stderr) ([A-Z:]+) ?(.*)", re.DOTALL)
_TIME = re.compile(r"(.*T\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)")
_PER_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line, or a part of one that was too long to be written at once."""

    nanoseconds: int
    """Since the epoch."""
    content: bytes
    """With its line end, unless it is a part."""

    @property
    def is_whole(self) -> bool:
        """Whether a line ends here."""
        return self.content.endswith(b"\n")

    @property
    def stamp(self) -> bytes:
        """The time as Go's `RFC3339NanoFixed`, UTC."""
        seconds, fraction = divmod(self.nanoseconds, _PER_SECOND)
        day = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{day}.{fraction:09}Z".encode()


def parse(raw: bytes) -> LogLine | None:
    """A line of the file, its line end included; None for what is no line of a log."""
    found = _LINE.fullmatch(raw)
    if found is None:
        return None
    nanoseconds = nanoseconds_of(found[1].decode(errors="replace"))
    if nanoseconds is None:
        return None
    is_part = found[3].split(b":")[0] == b"P"
    content = found[4].removesuffix(b"\n")
    return LogLine(nanoseconds, content if is_part else content + b"\n")


def nanoseconds_of(text: str) -> int | None:
    """An RFC 3339 time with up to nine digits after the second; None if it is none."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    try:
        whole = datetime.fromisoformat(found[1] + found[3])
    except ValueError:
        return None
    return int(whole.timestamp()) * _PER_SECOND + int((found[2] or "").ljust(9, "0"))
