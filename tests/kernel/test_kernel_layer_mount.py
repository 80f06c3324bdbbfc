"""The kernel mounts our layers, and sees in them what GNU tar would have unpacked."""

from __future__ import annotations

import ctypes
import hashlib
import os
import stat
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.images import directory, file, hard_link, special, symlink, tar

from towline.content.erofs import TAR_OFFSET
from towline.content.extract import extract
from towline.content.layer_file import seal
from towline.content.tar_index import TarIndex
from towline.content.tree import build_tree
from towline.oci.digest import Digest

pytestmark = pytest.mark.root
_libc = ctypes.CDLL(None, use_errno=True)


def sealed(path: Path, data: bytes) -> Path:
    """A layer file of this tar."""
    index = TarIndex()
    index.feed(data)
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    os.pwrite(fd, data, TAR_OFFSET)
    seal(fd, Digest.of(data), len(data), build_tree(index.members))
    os.close(fd)
    return path


@contextmanager
def mounted(layer: Path, at: Path) -> Iterator[Path]:
    """Mount a layer file as it is, without a loop device."""
    at.mkdir()
    if _libc.mount(str(layer).encode(), str(at).encode(), b"erofs", 1, None) != 0:
        error = ctypes.get_errno()
        pytest.fail(f"mount: {os.strerror(error)}")
    try:
        yield at
    finally:
        _libc.umount2(str(at).encode(), 0)


def walked(root: Path) -> dict[str, tuple[object, ...]]:
    """Everything that can be seen of a tree, by path."""
    seen = dict[str, tuple[object, ...]]()
    inodes = dict[int, str]()
    for folder, folders, files in os.walk(root):
        for name in sorted((*folders, *files)):
            path = Path(folder) / name
            status = path.lstat()
            relative = str(path.relative_to(root))
            content = b""
            if stat.S_ISREG(status.st_mode):
                content = hashlib.sha256(path.read_bytes()).digest()
            elif stat.S_ISLNK(status.st_mode):
                content = os.fsencode(path.readlink())
            is_folder = stat.S_ISDIR(status.st_mode)
            links = "" if is_folder else inodes.setdefault(status.st_ino, relative)
            names = () if stat.S_ISLNK(status.st_mode) else sorted(os.listxattr(path))
            xattrs = tuple((each, os.getxattr(path, each)) for each in names)
            size = 0 if is_folder else status.st_size
            seen[relative] = (
                status.st_mode, status.st_uid, status.st_gid, size, status.st_mtime_ns,
                status.st_rdev, content, links, xattrs,
            )  # fmt: skip
    return seen


def many_kinds() -> bytes:
    """A layer with everything that a layer can have, names in order of the directories."""
    members = [
        directory("d", mode=0o2775, uid=1000, gid=2000),
        file("d/setuid", b"x" * 5000, mode=0o4755),
        file("d/empty"),
        file("d/exact", b"y" * 512),
        hard_link("d/again", "d/setuid"),
        symlink("d/short", "setuid"),
        symlink("d/long", "/" + "l" * 900),
        symlink("d/dangling", "../../nowhere"),
        special("d/pipe", tarfile.FIFOTYPE, mode=0o600),
        special("d/zero", tarfile.CHRTYPE, devmajor=1, devminor=5, mode=0o666),
        special("d/disk", tarfile.BLKTYPE, devmajor=259, devminor=70000),
        file("d/" + "n" * 150, b"long name"),
        file("d/ü-ñ-漢", b"utf-8"),
        file("d/attributes", b"1", pax_headers={"SCHILY.xattr.user.note": "a" * 600}),
        directory("many"),
    ]
    members += [file(f"many/file-{number:04}", str(number).encode()) for number in range(700)]
    members.append(directory("many", mtime=1_600_000_000))
    return tar(*members)


def test_a_mounted_layer_is_what_tar_would_have_unpacked(tmp_path: Path) -> None:
    """Modes, owners, times, links, devices, attributes and every byte."""
    data = many_kinds()
    (tmp_path / "layer.tar").write_bytes(data)
    expected = tmp_path / "expected"
    expected.mkdir()
    subprocess.run(
        ["tar", "-xpf", tmp_path / "layer.tar", "--numeric-owner", "--xattrs", "-C", expected],
        check=True,
    )
    layer = sealed(tmp_path / "layer", data)

    with mounted(layer, tmp_path / "mounted") as seen:
        assert walked(seen) == walked(expected)


def test_an_extracted_layer_is_what_tar_would_have_unpacked(tmp_path: Path) -> None:
    """The fallback for old kernels gives the same."""
    data = many_kinds()
    layer = sealed(tmp_path / "layer", data)

    extract([layer], tmp_path / "extracted")

    with mounted(layer, tmp_path / "mounted") as seen:
        assert walked(tmp_path / "extracted") == walked(seen)


def test_mounted_layers_stack_as_they_merge(tmp_path: Path) -> None:
    """Overlayfs over our layers shows what our own merge of them extracts."""
    lower = tar(
        directory("dir"), file("dir/old", b"1"), file("gone", b"2"), directory("both"),
        file("both/low", b"3"), directory("again"), file("again/old"), file("shape"),
    )  # fmt: skip
    upper = tar(
        directory("dir"), file("dir/.wh..wh..opq"), file("dir/new", b"4"), file(".wh.gone"),
        directory("both"), file("both/high", b"5"), file(".wh.again"), directory("again"),
        file("again/new"), directory("shape"), file("shape/in"),
    )  # fmt: skip
    layers = [sealed(tmp_path / "1", lower), sealed(tmp_path / "2", upper)]

    extract(layers, tmp_path / "extracted")

    with mounted(layers[0], tmp_path / "low") as low, mounted(layers[1], tmp_path / "high") as high:
        at = tmp_path / "overlay"
        at.mkdir()
        options = f"lowerdir={high}:{low}"
        assert _libc.mount(b"overlay", str(at).encode(), b"overlay", 1, options.encode()) == 0
        try:
            shown = {path: facts[:6] for path, facts in walked(at).items()}
        finally:
            _libc.umount2(str(at).encode(), 0)
    extracted = {path: facts[:6] for path, facts in walked(tmp_path / "extracted").items()}
    assert shown == extracted


def test_the_bytes_of_a_mounted_layer_can_be_hashed_at_any_time(tmp_path: Path) -> None:
    """The tar lies in the file unchanged."""
    data = many_kinds()
    layer = sealed(tmp_path / "layer", data)

    content = layer.read_bytes()[TAR_OFFSET : TAR_OFFSET + len(data)]
    assert Digest.of(content) == Digest.of(data)
