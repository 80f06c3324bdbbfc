"""Without root an image is written as far as its owner may: no devices, no foreign owners, no
setuid.
"""

from __future__ import annotations

import os
import stat
import tarfile
from pathlib import Path

import pytest
from tests.images import directory, file, special, symlink, tar
from tests.layer_files import sealed

from towline.content.extract import extract, remove_tree

pytestmark = pytest.mark.root
NOBODY = 65534
LAYER = tar(
    directory("closed", mode=0o500, uid=7),
    file("closed/in", b"1", mode=0o4755, uid=0),
    special("null", tarfile.CHRTYPE, devmajor=1, devminor=3),
    special("pipe", tarfile.FIFOTYPE),
    symlink("link", "/nowhere"),
)


def as_nobody(layer: Path, folder: Path) -> int:
    """Extract in a process of a user without rights; its exit code."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            written = extract([layer], folder / "out")
            extract([layer], folder / "gone")
            remove_tree(folder / "gone")
            code = 0 if written.skipped == ["null"] else 2
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_an_image_is_written_without_root(tmp_path: Path) -> None:
    """What only root may make is left out and named; what was written can be removed again."""
    layer = sealed(tmp_path / "layer", LAYER)
    layer.chmod(0o644)
    for folder in (tmp_path, *tmp_path.parents[:2]):  # pytest's own, and nothing above them
        folder.chmod(0o755)
    folder = tmp_path / "nobody"
    folder.mkdir()
    os.chown(folder, NOBODY, NOBODY)

    assert as_nobody(layer, folder) == 0

    assert {path.name for path in folder.iterdir()} == {"out"}
    status = (folder / "out" / "closed" / "in").stat()
    assert status.st_uid == NOBODY
    assert stat.S_IMODE(status.st_mode) == 0o755
    assert not (folder / "out" / "null").exists()
    assert (folder / "out" / "pipe").is_fifo()
