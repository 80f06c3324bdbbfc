"""Ranges: what a client wants of a blob, and which piece of one it says it sends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towline.registry.byte_range import Part, Unsatisfiable, sent_part, wanted_part

SIZES = st.integers(0, 50)
LONG = f"bytes=0-{'9' * 5000}"
NUMBERS = st.integers(0, 60)


def _shown(text: str, content: bytes) -> bytes | None:
    """The bytes that a `Range` shows; None when it cannot be satisfied."""
    try:
        part = wanted_part(text, len(content))
    except Unsatisfiable:
        return None
    return content if part is None else content[part.start : part.last + 1]


@given(SIZES, NUMBERS, NUMBERS)
def test_a_closed_range_shows_what_a_slice_shows(size: int, first: int, last: int) -> None:
    """The end is clamped; a range that is reversed or begins behind the end shows nothing."""
    content = bytes(range(size))
    expected = content[first : last + 1] or None

    assert _shown(f"bytes={first}-{last}", content) == expected


@given(SIZES, NUMBERS)
def test_an_open_range_goes_to_the_end(size: int, first: int) -> None:
    """This is how an interrupted pull goes on."""
    content = bytes(range(size))

    assert _shown(f"bytes={first}-", content) == (content[first:] or None)


@given(SIZES, NUMBERS)
def test_a_suffix_counts_from_the_end(size: int, length: int) -> None:
    """More than there is, is all there is."""
    content = bytes(range(size))
    expected = content[max(0, size - length) :] if length else b""

    assert _shown(f"bytes=-{length}", content) == (expected or None)


@pytest.mark.parametrize(
    "text", ["bytes=-", "bytes=0-1,3-4", "bytes 0-1", "lines=1-2", "", "x", LONG]
)
def test_what_cannot_be_read_is_answered_with_everything(text: str) -> None:
    """RFC 9110 §14.2 allows to ignore it."""
    assert wanted_part(text, 10) is None


@given(NUMBERS, st.integers(1, 60))
def test_a_sent_piece_is_read_in_both_notations(start: int, length: int) -> None:
    """Without a unit in the distribution specification, with one in RFC 9110."""
    last = start + length - 1
    texts = (f"{start}-{last}", f"bytes={start}-{last}", f"bytes {start}-{last}/*")

    assert {sent_part(text) for text in texts} == {Part(start, length)}


@pytest.mark.parametrize("text", ["", "5-4", "a-b", "0-", "-5", "0-1-2", "0-9/x", LONG[6:]])
def test_a_piece_that_names_no_bytes_is_not_taken(text: str) -> None:
    """The upload is refused rather than guessed at."""
    assert sent_part(text) is None
