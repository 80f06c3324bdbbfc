"""A merged image written out as plain files: for `towline pull --to`, and for kernels that cannot
mount layers.

Safe by construction: the tree was judged before anything is written, every directory is made by us
and entered by its descriptor, and links are leaves that nobody follows. It is written beside its
place and renamed into it when complete.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from towline.content.erofs import TAR_OFFSET
from towline.content.layer_file import LayerFile
from towline.content.tar_field import BadTar
from towline.content.tree import Node, merge
from towline.problem import Problem

_SHARED_BITS = 0o1777  # without root nobody gets setuid: the file would be ours, not its owner's
_COPY = 64 * 1024 * 1024


@dataclass(slots=True)
class Extracted:
    """What was written, and what could not be."""

    files: int = 0
    skipped: list[str] = field(default_factory=list)
    """Devices, which only root may make."""


def extract(layers: Sequence[Path], target: Path) -> Extracted:
    """Write the files of these layer files, lowest first, into a new folder; raises `Problem`.

    As root, owners and devices are as in the image; otherwise everything belongs to us and devices
    are left out. Nothing is left behind when it fails or is interrupted.
    """
    require_vacant(target)
    beside = target.with_name(f".{target.name}.towline-{secrets.token_hex(4)}")
    try:
        beside.mkdir(mode=0o700)
        written = _write(layers, beside)
        beside.rename(target)
    except BadTar as error:
        raise Problem(
            "unusable-image",
            cause=f"the image cannot be unpacked: {error}",
            remedy="Its layers do not fit together. Build it anew, from a complete base image.",
        ) from error
    except OSError as error:
        raise Problem(
            "cannot-extract",
            cause=f"the image could not be written to {target}: {error}",
            remedy="Make room there, or choose another folder.",
        ) from error
    finally:
        remove_tree(beside)
    return written


def require_vacant(target: Path) -> None:
    """Raises `Problem` unless the target is missing, or an empty folder with room beside it."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Problem(
            "target-not-empty",
            cause=f"{target} already exists and is not an empty folder",
            remedy="Name a folder that does not exist yet.",
        )
    if not target.resolve().parent.is_dir():
        raise Problem(
            "no-parent-folder",
            cause=f"{target.parent} is not a folder",
            remedy="Make it first.",
        )


def remove_tree(path: Path) -> None:
    """Remove a tree, also where its modes forbid it; nothing happens if it is not there."""
    if not path.exists():
        return
    for folder, _, _ in os.walk(path, topdown=True):
        with contextlib.suppress(OSError):
            Path(folder).chmod(0o700)
    shutil.rmtree(path)


def _write(layers: Sequence[Path], folder: Path) -> Extracted:
    tree = merge(LayerFile.open(layer).tree() for layer in layers)
    with contextlib.ExitStack() as stack:
        sources = [stack.enter_context(_opened(layer, os.O_RDONLY)) for layer in layers]
        root = stack.enter_context(_opened(folder, os.O_DIRECTORY))
        writer = _Writer(sources, root)
        writer.fill(root, b"", tree)
        writer.describe(root, tree)
    return writer.written


@contextlib.contextmanager
def _opened(path: Path | bytes, flags: int, dir_fd: int | None = None) -> Iterator[int]:
    fd = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=dir_fd)
    try:
        yield fd
    finally:
        os.close(fd)


class _Writer:
    def __init__(self, sources: Sequence[int], root: int) -> None:
        self._sources = sources
        self._root = root
        self._as_root = os.geteuid() == 0
        self._names = dict[int, bytes]()
        self.written = Extracted()

    def fill(self, fd: int, path: bytes, node: Node) -> None:
        """Make everything that is in a directory."""
        for name, child in (node.children or {}).items():
            below = path + b"/" + name if path else name
            if child.children is not None:
                os.mkdir(name, 0o700, dir_fd=fd)
                with _opened(name, os.O_DIRECTORY, fd) as inner:
                    self.fill(inner, below, child)
                    self.describe(inner, child)
            elif id(child) in self._names:
                known = self._names[id(child)]
                os.link(known, name, src_dir_fd=self._root, dst_dir_fd=fd, follow_symlinks=False)
            else:
                self._leaf(fd, name, below, child)

    def _leaf(self, fd: int, name: bytes, path: bytes, node: Node) -> None:
        kind = stat.S_IFMT(node.mode)
        if kind == stat.S_IFREG:
            with _opened(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, fd) as out:
                self._copy(out, node)
                self.describe(out, node)
        elif node.link is not None:
            os.symlink(node.link, name, dir_fd=fd)
            self._describe_link(fd, name, node)
        elif kind == stat.S_IFIFO or self._as_root:
            os.mknod(name, kind | 0o600, node.device, dir_fd=fd)
            self._describe_special(fd, name, node)
        else:
            self.written.skipped.append(os.fsdecode(path))
            return
        self._names[id(node)] = path
        self.written.files += 1

    def _copy(self, out: int, node: Node) -> None:
        if node.extents is None:
            self._send(out, node, node.offset, node.size)
            return
        os.ftruncate(out, node.size)
        for begin, size, offset in node.extents:
            os.lseek(out, begin, os.SEEK_SET)
            self._send(out, node, offset, size)

    def _send(self, out: int, node: Node, offset: int, size: int) -> None:
        source, offset = self._sources[node.layer], TAR_OFFSET + offset
        while size:
            count = os.sendfile(out, source, offset, min(size, _COPY))
            if count == 0:
                raise OSError(f"the layer of a file of {node.size} bytes is too short")
            offset, size = offset + count, size - count

    def describe(self, fd: int, node: Node) -> None:
        """Give an open file its owner, mode, attributes and time: in this order they stay."""
        if self._as_root:
            os.fchown(fd, node.uid, node.gid)
        os.fchmod(fd, stat.S_IMODE(node.mode) & (0o7777 if self._as_root else _SHARED_BITS))
        _set_attributes(fd, node)
        os.utime(fd, ns=(node.mtime_ns, node.mtime_ns))

    def _describe_link(self, fd: int, name: bytes, node: Node) -> None:
        if self._as_root:
            os.chown(name, node.uid, node.gid, dir_fd=fd, follow_symlinks=False)
        _set_attributes(_within(fd, name), node)
        times = (node.mtime_ns, node.mtime_ns)
        os.utime(name, ns=times, dir_fd=fd, follow_symlinks=False)

    def _describe_special(self, fd: int, name: bytes, node: Node) -> None:
        if self._as_root:
            os.chown(name, node.uid, node.gid, dir_fd=fd, follow_symlinks=False)
        mode = stat.S_IMODE(node.mode) & (0o7777 if self._as_root else _SHARED_BITS)
        os.chmod(name, mode, dir_fd=fd)  # no link: we have just made it, in a folder of our own
        _set_attributes(_within(fd, name), node)
        os.utime(name, ns=(node.mtime_ns, node.mtime_ns), dir_fd=fd, follow_symlinks=False)


def _within(folder: int, name: bytes) -> bytes:
    """A path for calls that take no folder."""
    return b"/proc/self/fd/%d/%s" % (folder, name)


def _set_attributes(file: int | bytes, node: Node) -> None:
    for name, value in (node.xattrs or {}).items():
        with contextlib.suppress(OSError):  # not every filesystem, and not everybody, may
            os.setxattr(file, name, value, follow_symlinks=isinstance(file, int))
