"""A program that does not see one mount of the machine."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from towline.linux.hidden_side import write_script
from towline.linux.mounts import mount_memory, unmount_if_mounted

pytestmark = pytest.mark.root


@pytest.fixture
def hidden(tmp_path: Path) -> Iterator[Path]:
    """A mount with a file in it."""
    place = tmp_path / "hidden"
    place.mkdir()
    mount_memory(place, "mode=0755")
    (place / "file").touch()
    yield place
    unmount_if_mounted(place)


def _said(folder: Path, hidden: Path, words: str) -> str:
    """What a shell of its own prints that does not see the mount."""
    program = Path(shutil.copy("/bin/dash", folder / "program"))
    script = write_script(folder / "script", program, hidden)
    return subprocess.check_output([script, "-c", words], text=True)


@pytest.mark.parametrize("means", ["perl", "shell"])
def test_the_mount_is_hidden_from_the_program_alone(
    tmp_path: Path, hidden: Path, means: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither does it see what is there, nor do others see what it writes there."""
    if means == "shell":
        tools = tmp_path / "tools"
        tools.mkdir()
        for tool in ("unshare", "mount", "ls", "touch"):
            (tools / tool).symlink_to(str(shutil.which(tool)))
        monkeypatch.setenv("PATH", str(tools))

    seen = _said(tmp_path, hidden, f"ls {hidden}; touch {hidden}/ours; ls {hidden}")

    assert seen.split() == ["ours"]
    assert [each.name for each in hidden.iterdir()] == ["file"]


def test_the_programs_file_cannot_be_written_through_the_program(
    tmp_path: Path, hidden: Path
) -> None:
    """Which crun is told, and then need not see to it itself."""
    words = 'test -w /proc/self/exe || echo protected "$_LIBCONTAINER_CLONED_BINARY"'

    assert _said(tmp_path, hidden, words) == "protected 1\n"
