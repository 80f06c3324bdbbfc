"""How old something is, as kubectl prints it: two figures at most, fewer the older it gets.

The steps are those of `k8s.io/apimachinery/pkg/util/duration.HumanDuration`.
"""

from __future__ import annotations

_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 365 * 86400


def human(elapsed: float) -> str:
    """`5s`, `2m30s`, `3h`, `2d4h`; clocks that differ by a second make no difference."""
    seconds = int(elapsed)
    if seconds < -1:
        return "<invalid>"
    seconds = max(seconds, 0)
    if seconds < 2 * _MINUTE:
        return f"{seconds}s"
    if seconds < 3 * _HOUR:
        return _minutes(seconds)
    if seconds < 8 * _HOUR:
        return _two(seconds, (_HOUR, "h"), (_MINUTE, "m"))
    if seconds < 48 * _HOUR:
        return f"{seconds // _HOUR}h"
    return _days(seconds)


def _minutes(seconds: int) -> str:
    if seconds < 10 * _MINUTE:
        return _two(seconds, (_MINUTE, "m"), (1, "s"))
    return f"{seconds // _MINUTE}m"


def _days(seconds: int) -> str:
    if seconds < 8 * _DAY:
        return _two(seconds, (_DAY, "d"), (_HOUR, "h"))
    if seconds < 2 * _YEAR:
        return f"{seconds // _DAY}d"
    if seconds < 8 * _YEAR:
        return _two(seconds, (_YEAR, "y"), (_DAY, "d"))
    return f"{seconds // _YEAR}y"


def _two(seconds: int, large: tuple[int, str], small: tuple[int, str]) -> str:
    """The whole of the larger unit, and what is left of it in the smaller."""
    count, rest = divmod(seconds, large[0])
    left = rest // small[0]
    return f"{count}{large[1]}{left}{small[1]}" if left else f"{count}{large[1]}"
