"""Chapter: what is finished reaches the disk when nobody is disturbed by it."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import pytest

from towline.content.layer_file import DamagedLayer, LayerFile
from towline.content.settle import DURABLE, Manners, Settler


def mode(path: Path) -> int:
    """By which a file says whether it has reached the disk."""
    return stat.S_IMODE(path.stat().st_mode)


def file(folder: Path, name: str) -> Path:
    """A file that was just written."""
    path = folder / name
    path.write_bytes(b"content")
    return path


def wait_for(path: Path) -> None:
    """Until it has reached the disk; the test's own limit ends it otherwise."""
    while mode(path) != DURABLE:
        time.sleep(0.01)


def test_a_file_is_settled_when_it_is_quiet(tmp_path: Path) -> None:
    """Also one that comes after others have been settled."""
    settler = Settler(lambda: False, Manners(quiet=0.0))
    for name in ("one", "two"):
        settler.add(path := file(tmp_path, name))
        wait_for(path)
    settler.close()


def test_the_disk_is_left_to_whoever_is_busy_but_not_for_ever(tmp_path: Path) -> None:
    """The busy are asked, and the file is settled though they never end."""
    asked = list[int]()

    def busy() -> bool:
        asked.append(mode(path))
        return True

    path = file(tmp_path, "one")
    settler = Settler(busy, Manners(quiet=0.0, longest=0.3))
    settler.add(path)
    wait_for(path)
    settler.close()

    assert len(asked) > 1
    assert DURABLE not in asked


def test_nothing_is_left_behind_at_the_end(tmp_path: Path) -> None:
    """Whoever is busy then has to wait; what was removed is not missed."""
    settler = Settler(lambda: True)
    paths = [file(tmp_path, name) for name in ("one", "two", "three")]
    for path in paths:
        settler.add(path)
    paths[1].unlink()
    settler.close()

    assert mode(paths[0]) == mode(paths[2]) == DURABLE


def test_what_the_disk_refuses_keeps_nothing_else_from_it(tmp_path: Path) -> None:
    """One file cannot be settled; the next one is."""
    settler = Settler(lambda: False, Manners(quiet=0.0))
    settler.add(file(tmp_path, "one") / "below a file")
    settler.add(path := file(tmp_path, "two"))
    wait_for(path)
    settler.close()

    assert mode(tmp_path / "one") != DURABLE


def test_a_file_that_did_not_reach_the_disk_is_recognised(tmp_path: Path) -> None:
    """It has its name and nothing in it after a power cut."""
    (tmp_path / "x").write_bytes(b"")

    with pytest.raises(DamagedLayer):
        LayerFile.open(tmp_path / "x")
