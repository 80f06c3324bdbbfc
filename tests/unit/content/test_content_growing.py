"""Chapter: a file that grows holds what was written to it, and in the end no more room than that."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from towline.content import growing
from towline.content.growing import BLOCK, SMALL, STEP, GrowingFile


@pytest.mark.parametrize("begin", [0, 4096])
@pytest.mark.parametrize("plenty", [0, 1 << 62], ids=["much room", "little room"])
def test_what_is_written_is_there_and_nothing_else(
    tmp_path: Path, begin: int, plenty: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In pieces of any size; the room that was reserved is given back."""
    monkeypatch.setattr(growing, "PLENTY", plenty)
    pieces = [bytes([size % 251]) * size for size in (1, BLOCK, 0, 3 * BLOCK + 7, 2 * SMALL, 5)]
    fd = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    file = GrowingFile(fd, os.lseek(fd, begin, os.SEEK_SET))
    for piece in pieces:
        file.write(piece)
    file.give_back()
    status = os.fstat(fd)
    os.close(fd)

    content = (tmp_path / "file").read_bytes()
    assert content == bytes(begin) + b"".join(pieces)
    assert file.end == len(content)
    assert status.st_blocks * 512 < STEP // 2


def test_room_is_reserved_in_large_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And is no part of the file."""
    monkeypatch.setattr(growing, "PLENTY", 0)
    fd = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    file = GrowingFile(fd, 0)
    file.write(bytes(SMALL + 1))
    status = os.fstat(fd)
    os.close(fd)

    assert status.st_size == SMALL + 1
    assert status.st_blocks * 512 >= STEP
