"""Times are written as the API writes them, and read back to the same second."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towline.kube.timestamp import seconds_of, to_microsecond, to_second

SECONDS = st.integers(0, 4_000_000_000)


def test_a_time_is_utc_to_the_second() -> None:
    """A MicroTime has six digits more."""
    assert to_second(1_767_323_045.9) == "2026-01-02T03:04:05Z"
    assert to_microsecond(1_767_323_045.000006) == "2026-01-02T03:04:05.000006Z"


@given(SECONDS)
def test_a_time_is_read_back(seconds: int) -> None:
    """In both forms."""
    assert seconds_of(to_second(seconds)) == seconds
    assert seconds_of(to_microsecond(seconds)) == seconds


def test_another_zone_is_the_same_moment() -> None:
    """Clients write their own zone."""
    assert seconds_of("2026-01-02T04:04:05+01:00") == seconds_of("2026-01-02T03:04:05Z")


def test_what_is_no_time_is_refused() -> None:
    """By ValueError, as promised."""
    with pytest.raises(ValueError, match="Invalid isoformat"):
        seconds_of("yesterday")
