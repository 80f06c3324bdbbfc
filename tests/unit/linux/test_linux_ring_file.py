"""A ring file keeps the last entries, for whoever reads it and over the end of its writer."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from towline.linux.ring_file import RingFile, entries

SIZE = 32


@given(
    runs=st.lists(st.lists(st.binary(max_size=SIZE - 10), max_size=9), max_size=4),
    slots=st.integers(1, 7),
)
def test_the_last_entries_are_kept_in_order(runs: list[list[bytes]], slots: int) -> None:
    """Also over writers that end and begin again."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ring"
        for run in runs:
            ring = RingFile(path, slots, SIZE)
            for entry in run:
                ring.add(entry)
        every = [entry for run in runs for entry in run]

        assert entries(path, SIZE) == every[-slots:]


def test_what_is_added_is_read_at_once(tmp_path: Path) -> None:
    """While the writer goes on; an entry may be as long as the ring says."""
    ring = RingFile(tmp_path / "ring", 2, SIZE)
    ring.add(b"x" * ring.longest)

    assert entries(tmp_path / "ring", SIZE) == [b"x" * ring.longest]


def test_a_file_of_another_shape_is_begun_anew(tmp_path: Path) -> None:
    """Its entries could not be told apart."""
    RingFile(tmp_path / "ring", 2, SIZE).add(b"old")
    ring = RingFile(tmp_path / "ring", 3, SIZE)
    ring.add(b"new")

    assert entries(tmp_path / "ring", SIZE) == [b"new"]


def test_no_file_has_no_entries(tmp_path: Path) -> None:
    """Nobody has asked yet."""
    assert entries(tmp_path / "ring", SIZE) == []
