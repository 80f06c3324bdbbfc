"""Layers for tests: made at random, sealed, mounted, and everything that can be seen in them."""

from __future__ import annotations

import ctypes
import hashlib
import os
import stat
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import strategies as st
from tests.images import directory, file, hard_link, special, symlink, tar

from towline.content.erofs import TAR_OFFSET
from towline.content.layer_file import seal
from towline.content.tar_index import TarIndex
from towline.content.tree import build_tree
from towline.oci.digest import Digest

Made = tuple[tarfile.TarInfo, bytes]
Facts = dict[str, tuple[object, ...]]
GHOST = ("it is listed, and not there",)
_CAPABILITY = "\x01\x00\x00\x02\x00\x20" + "\x00" * 14  # cap_net_raw+ep
_libc = ctypes.CDLL(None, use_errno=True)
_letters = st.characters(codec="utf-8", exclude_characters="/\0")
NAMES = st.one_of(
    st.text("abc.-_", min_size=1, max_size=3),
    st.text(_letters, min_size=1, max_size=60),
    st.binary(min_size=1, max_size=20).map(lambda raw: raw.translate(None, b"/\0")),
    st.integers(90, 255).map(lambda length: "n" * length),
)


def sealed(path: Path, data: bytes) -> Path:
    """A layer file of this tar."""
    index = TarIndex()
    index.feed(data)
    index.finish()
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    try:
        os.pwrite(fd, data, TAR_OFFSET)
        seal(fd, Digest.of(data), len(data), build_tree(index.members))
    finally:
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
        at.rmdir()


def untarred(path: Path, data: bytes, at: Path) -> Path:
    """What GNU tar makes of a tar."""
    path.write_bytes(data)
    at.mkdir()
    command = ["tar", "-xpf", str(path), "--numeric-owner", "--xattrs", "--xattrs-include=*"]
    command += ["--delay-directory-restore"]
    quiet = ["--warning=no-unknown-keyword", "--warning=no-timestamp"]
    subprocess.run([*command, *quiet, "-C", str(at)], check=True)
    return at


def walked(root: Path) -> Facts:
    """Everything that can be seen of a tree, by path."""
    seen, inodes = Facts(), dict[tuple[int, int], str]()
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in sorted((*folders, *files)):
            path = Path(folder) / name
            relative = str(path.relative_to(root))
            seen[relative] = _facts(path, relative, inodes)
    return seen


def _facts(path: Path, relative: str, inodes: dict[tuple[int, int], str]) -> tuple[object, ...]:
    try:
        status, content = path.lstat(), b""
    except FileNotFoundError:
        return GHOST
    if stat.S_ISREG(status.st_mode):
        with path.open("rb") as opened:
            content = hashlib.file_digest(opened, "sha256").digest()
    elif stat.S_ISLNK(status.st_mode):
        content = os.fsencode(path.readlink())
    is_folder = stat.S_ISDIR(status.st_mode)
    links = "" if is_folder else inodes.setdefault((status.st_dev, status.st_ino), relative)
    names = () if stat.S_ISLNK(status.st_mode) else sorted(os.listxattr(path))
    xattrs = tuple((each, os.getxattr(path, each)) for each in names)
    return (
        status.st_mode, status.st_uid, status.st_gid, 0 if is_folder else status.st_size,
        status.st_mtime_ns, status.st_rdev, content, links, xattrs,
    )  # fmt: skip


def sparse_tars(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Sparse files in each of GNU tar's formats."""
    _make_sparse(folder)
    for form in ("gnu", "0.0", "0.1", "1.0"):
        options = ["gnu"] if form == "gnu" else ["posix", f"--sparse-version={form}"]
        command = ["tar", "-c", "--sparse", "-C", str(folder), "-H", *options, "."]
        yield form, subprocess.run(command, capture_output=True, check=True).stdout


def _make_sparse(folder: Path) -> None:
    folder.mkdir()
    for name, places, size in (
        ("some", (8192, 1 << 20), 3 << 20), ("end", (100 << 20,), 0), ("hole", (), 5 << 20),
        ("many", range(4096, 60 * 16384, 16384), 0),
    ):  # fmt: skip
        with (folder / name).open("wb") as file:
            for place in places:
                file.seek(place)
                file.write(os.urandom(5000))
            file.truncate(max(size, file.tell()))


@st.composite
def made_layers(draw: st.DrawFn, *, stacked: bool = False) -> bytes:
    """A tar of everything that GNU tar too makes something of.

    With `stacked` also of what means something in a stack of layers: whiteouts, and files in folders
    that no entry names.
    """
    layout = draw(st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]))
    folders, files, members = [""], list[str](), list[Made]()
    taken = set[str]()
    for _ in range(draw(st.integers(1, 14))):
        drawn = draw(NAMES)
        name = drawn if isinstance(drawn, str) else os.fsdecode(drawn)
        path = draw(st.sampled_from(folders)) + name
        if name in {"", ".", ".."} or name.startswith(".wh.") or _unfit(name, path, taken):
            continue
        taken.add(path)
        if stacked and len(os.fsencode(name)) < 250 and draw(st.integers(0, 4)) == 0:
            members.append(draw(_hiding(path, folders)))
            continue
        members.append(draw(_member(path, files, layout)))
        if members[-1][0].isdir():
            folders.append(path + "/")
            if stacked and draw(st.integers(0, 2)) == 0:
                members[-1] = file(f"{path}/only", b"1", mtime=2)
                files.append(f"{path}/only")
                taken.add(f"{path}/only")
        elif members[-1][0].isreg():
            files.append(path)
    for path in draw(st.lists(st.sampled_from(files), max_size=2)) if files else ():
        members.append(file(path, b"later", mtime=1))
    return tar(*members, format=layout)


@st.composite
def _hiding(draw: st.DrawFn, path: str, folders: Sequence[str]) -> Made:
    """A whiteout of a name, or of everything in some folder below the root: what is in a root,
    containerd's overlays do not hide.
    """
    below = draw(st.sampled_from(folders))
    if below:
        return file(f"{below}.wh..wh..opq")
    folder, slash, name = path.rpartition("/")
    return file(f"{folder}{slash}.wh.{name}")


def _unfit(name: str, path: str, taken: set[str]) -> bool:
    return path in taken or len(os.fsencode(name)) > 255 or len(path) > 1500


@st.composite
def _member(draw: st.DrawFn, path: str, files: Sequence[str], layout: int) -> Made:
    kinds = ["file", "folder", "symlink", "special"] + ["hard link"] * bool(files)
    kind = draw(st.sampled_from(kinds))
    if kind == "hard link":
        return hard_link(path, draw(st.sampled_from(files)))
    if kind == "symlink":
        return symlink(path, draw(st.text("ab./", min_size=1, max_size=draw(st.integers(1, 700)))))
    attributes = draw(_attributes(layout, kind))
    if kind == "folder":
        return directory(path, **attributes)
    if kind == "special":
        form = draw(st.sampled_from([tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE]))
        if form != tarfile.FIFOTYPE:
            attributes |= {"devmajor": draw(st.integers(1, 4095))}
            attributes |= {"devminor": draw(st.integers(0, (1 << 20) - 1))}
        return special(path, form, **attributes)
    return file(path, draw(st.binary(max_size=3000)), **attributes)


@st.composite
def _attributes(draw: st.DrawFn, layout: int, kind: str) -> dict[str, object]:
    owners = st.integers(0, 0xFFFFFFFE)
    made: dict[str, object] = {"uid": draw(owners), "gid": draw(owners)}
    made["mode"] = draw(st.integers(0, 0o7777))
    made["mtime"] = draw(st.integers(0, 1 << 33))
    if layout == tarfile.PAX_FORMAT:
        fraction = draw(st.integers(0, 999_999_999))
        headers = {"mtime": f"{made['mtime']}.{fraction:09}"}
        if kind != "special" and draw(st.booleans()):
            headers["SCHILY.xattr.user.note"] = draw(st.text("ab", max_size=900))
        if kind == "file" and draw(st.booleans()):
            headers["SCHILY.xattr.security.capability"] = _CAPABILITY
        made["pax_headers"] = headers
    return made
