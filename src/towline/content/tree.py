"""A layer as a tree of files, made from the members of a tar, with every name judged.

Nothing here touches a disk. A member may only be below the root, and never below something that is
not a directory: a name with `..` or an absolute name makes the whole layer unusable. A name may lead
through a symbolic link of the same layer if that stays in the layer, as GNU tar has it; through an
absolute one, or one that leads out, it may not. Links themselves are data: what an absolute or
dangling link points to is the container's own business.

A hard link may be to a file of a lower layer. What that is, only a merged tree knows.

Whiteouts take overlayfs' form: a character device 0/0 hides a name, an attribute makes a directory
opaque. The same tree is mounted (as EROFS) or, merged with those below it, unpacked.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable

from towline.content.tar_field import BadTar
from towline.content.tar_index import Kind, Member
from towline.content.tar_sparse import Extent

OPAQUE = b"trusted.overlay.opaque"
WHITEOUT = b".wh."
OPAQUE_WHITEOUT = b".wh..wh..opq"
MAX_NAME = 255
MAX_LINK = 4095
MAX_FOLDERS = 500_000  # see docs/limits.md for what they cost in memory
MAX_DEPTH = 500
MAX_FOLLOWED = 40  # the kernel's limit for links in one path
MAX_STEPS = 50_000_000  # from folder to folder where links may be on the way, in one layer
MAX_XATTR_NAME = 255
MAX_XATTR_VALUE = 65_535
MAX_XATTRS = 65_536  # of one file, as ext4's own limit; EROFS could hold four times as much
# Without possessive quantifiers: Python 3.11.2 gives the wrong group with them.
_NAME = rb"(?!\.\.?(?:/|\Z))[^/\0]{1,255}"
_ORDINARY = re.compile(rb"(?:\./)?(" + _NAME + rb"(?:/" + _NAME + rb")*)/?").fullmatch
_DEFAULT_DIRECTORY = stat.S_IFDIR | 0o755
_TYPES = {
    Kind.FILE: stat.S_IFREG,
    Kind.SYMLINK: stat.S_IFLNK,
    Kind.CHARACTER_DEVICE: stat.S_IFCHR,
    Kind.BLOCK_DEVICE: stat.S_IFBLK,
    Kind.DIRECTORY: stat.S_IFDIR,
    Kind.FIFO: stat.S_IFIFO,
}


class Node:
    """One inode. Hard links are one node under several names."""

    __slots__ = (
        "below", "children", "device", "extents", "gid", "implied", "layer", "link", "links",
        "mode", "mtime_ns", "number", "offset", "size", "uid", "xattrs",
    )  # fmt: skip

    def __init__(self, mode: int, member: Member | None = None) -> None:
        self.mode = mode
        self.uid = member.uid if member else 0
        self.gid = member.gid if member else 0
        self.size = member.size if member else 0
        self.mtime_ns = member.mtime_ns if member else 0
        self.offset = member.offset if member else 0
        self.device = member.device if member else 0
        self.xattrs = _kept(member) if member else None
        self.extents: tuple[Extent, ...] | None = member.extents if member else None
        self.link: bytes | None = None
        self.below: bytes | None = None
        """The path in a lower layer whose file this is; nothing else is known of it here."""
        self.links = 1
        self.layer = 0
        """Which layer's tar holds the data, in a merged tree."""
        self.implied = False
        """Whether a directory exists only because something lies in it."""
        self.number = 0
        """Where the inode is, once it has been placed."""
        self.children: dict[bytes, Node] | None = {} if stat.S_ISDIR(mode) else None

    @property
    def hides(self) -> bool:
        """Whether this is a whiteout."""
        return stat.S_ISCHR(self.mode) and self.device == 0

    @property
    def opaque(self) -> bool:
        """Whether this directory hides what is below it in lower layers."""
        return self.xattrs is not None and OPAQUE in self.xattrs

    def make_opaque(self) -> None:
        """Hide what lower layers have in this directory."""
        self.xattrs = {**(self.xattrs or {}), OPAQUE: b"y"}


def build_tree(members: Iterable[Member]) -> Node:
    """The tree of one layer, in overlayfs' form; raises `BadTar`."""
    builder = _Builder()
    for member in members:
        builder.add(member)
    return builder.root


class _Builder:
    def __init__(self) -> None:
        self.root = Node(_DEFAULT_DIRECTORY)
        self.root.implied = True
        self._directories = {b"": self.root}
        self._made = 0
        self._steps = 0

    def add(self, member: Member) -> None:
        path = clean(member.path)
        if not path:
            self._describe(self.root, member)
            return
        parent_path, _, name = path.rpartition(b"/")
        parent = self._directories.get(parent_path)
        if parent is None:
            parent_path = self._followed(parent_path)
            path = parent_path + b"/" + name if parent_path else name
            parent = self._directory(parent_path)
        if name.startswith(WHITEOUT):
            self._white_out(parent, path, name)
        elif member.kind is Kind.HARD_LINK:
            self._link(parent, path, name, member)
        elif member.kind is Kind.DIRECTORY:
            self._add_directory(parent, path, name, member)
        else:
            self._place(parent, path, name, _leaf(member))

    def _followed(self, path: bytes) -> bytes:
        """The path without symbolic links, which may not lead out of the layer."""
        names, nodes, done = path.split(b"/")[::-1], [self.root], list[bytes]()
        followed = 0
        while names:
            name = names.pop()
            self._steps += 1
            if name == b"..":
                if not done:
                    raise BadTar(f'"{_text(path)}" is outside of the root filesystem')
                nodes.pop()
                done = done[:-1]
                continue
            child = (nodes[-1].children or {}).get(name)
            done.append(name)
            if child is None or child.children is not None:
                nodes.append(child or Node(_DEFAULT_DIRECTORY))
                continue
            if child.link is None or child.link.startswith(b"/") or followed == MAX_FOLLOWED:
                break  # `_directory` says what is wrong
            followed += 1
            self._steps += len(child.link) // 8  # it is taken apart, whatever comes of it
            target = [part for part in child.link.split(b"/") if part not in {b"", b"."}]
            if not _stays(target, len(done) - 1):
                break
            done.pop()
            names += target[::-1]
        if self._steps > MAX_STEPS:
            raise BadTar(f"its links lead through more than {MAX_STEPS} folders")
        return b"/".join(done + names[::-1])

    def _directory(self, path: bytes) -> Node:
        """The directory of this path; missing ones are made, as tar does."""
        found = self._directories.get(path)
        if found is not None:
            return found
        parent_path, _, name = path.rpartition(b"/")
        parent = self._directory(parent_path)
        assert parent.children is not None
        node = parent.children.get(name)
        if node is None or node.hides:
            node = self._fresh_directory(parent, name)
        elif node.children is None:
            raise _not_a_directory(path, node)
        self._directories[path] = node
        return node

    def _fresh_directory(self, parent: Node, name: bytes) -> Node:
        assert parent.children is not None
        self._made += 1
        if self._made > MAX_FOLDERS:
            raise BadTar(f"more than {MAX_FOLDERS} folders in one layer")
        hidden, node = parent.children.get(name), Node(_DEFAULT_DIRECTORY)
        node.implied = True
        if hidden is not None and hidden.hides:
            node.make_opaque()  # removed and made again: nothing of the lower one may show
        parent.children[name] = node
        return node

    def _add_directory(self, parent: Node, path: bytes, name: bytes, member: Member) -> None:
        assert parent.children is not None
        node = parent.children.get(name)
        if node is None or node.children is None:
            self._forget(node, path)
            node = self._fresh_directory(parent, name)
        self._directories[path] = node
        self._describe(node, member)

    def _describe(self, node: Node, member: Member) -> None:
        opaque, node.implied = node.opaque, False
        node.mode = stat.S_IFDIR | member.mode
        node.uid, node.gid, node.mtime_ns = member.uid, member.gid, member.mtime_ns
        node.xattrs = _kept(member)
        if opaque:
            node.make_opaque()

    def _white_out(self, parent: Node, path: bytes, name: bytes) -> None:
        assert parent.children is not None
        if name == OPAQUE_WHITEOUT:
            parent.make_opaque()
            return
        hidden = name[len(WHITEOUT) :]
        if hidden in {b"", b".", b".."}:
            raise BadTar(f'"{_text(path)}" hides nothing that can have a name')
        node = parent.children.get(hidden)
        if node is None:
            parent.children[hidden] = Node(stat.S_IFCHR)
        elif node.children is not None:
            node.make_opaque()  # it is of this layer: only what is below is hidden

    def _link(self, parent: Node, path: bytes, name: bytes, member: Member) -> None:
        target_path = clean(member.link)
        target = self._find(target_path)
        if target is None:
            target = Node(stat.S_IFREG)
            target.below, target.links = target_path, 0
        if target.hides or target is self.root:
            raise _no_target(member.link, path)
        if target.children is not None:
            raise BadTar(f'link "{_text(member.link)}" "{_text(path)}": operation not permitted')
        target.links += 1
        self._place(parent, path, name, target)

    def _find(self, path: bytes) -> Node | None:
        folder, _, name = path.rpartition(b"/")
        return find(self.root, self._followed(folder) + b"/" + name if folder else name)

    def _place(self, parent: Node, path: bytes, name: bytes, node: Node) -> None:
        assert parent.children is not None
        self._forget(parent.children.get(name), path)
        parent.children[name] = node

    def _forget(self, node: Node | None, path: bytes) -> None:
        """A later entry replaces an earlier one of the same name."""
        if node is None:
            return
        node.links -= 1
        waiting = [(path, node)] if node.children is not None else []
        while waiting:
            known, folder = waiting.pop()
            self._directories.pop(known, None)
            for name, child in (folder.children or {}).items():
                if child.children is not None:
                    waiting.append((known + b"/" + name, child))


def find(root: Node, path: bytes) -> Node | None:
    """What is at a path; symbolic links are not followed."""
    node: Node | None = root
    for name in path.split(b"/") if path else ():
        if node is None or node.children is None:
            return None
        node = node.children.get(name)
    return node


def merge(layers: Iterable[Node]) -> Node:
    """The tree that a container sees: layers over each other, lowest first, without whiteouts.

    Raises `BadTar` when a hard link is to a file that no lower layer has.
    """
    merged = Node(_DEFAULT_DIRECTORY)
    for number, layer in enumerate(layers):
        merged = _Merge(merged, number).over(merged, layer)
    return merged


class _Merge:
    """One layer over what is merged already."""

    def __init__(self, before: Node, number: int) -> None:
        self._before = before
        self._number = number

    def over(self, lower: Node | None, upper: Node, path: bytes = b"") -> Node:
        """One directory over another; neither is changed but for the layer's number in files."""
        assert upper.children is not None
        below = {} if lower is None or upper.opaque else lower.children or {}
        children = dict(below)
        for name, node in upper.children.items():
            if node.hides:
                children.pop(name, None)
            elif node.children is None:
                children[name] = self._leaf(node, path + b"/" + name)
            else:
                beneath = children.get(name)
                is_directory = beneath is not None and beneath.children is not None
                inner = beneath if is_directory else None
                children[name] = self.over(inner, node, path + b"/" + name)
        return _shown(lower, upper, children)

    def _leaf(self, node: Node, path: bytes) -> Node:
        if node.below is None:
            node.layer = self._number
            return node
        target = find(self._before, node.below)
        if target is None or target.children is not None:
            raise _no_target(node.below, path[1:])
        target.links += 1
        return target


def _shown(lower: Node | None, upper: Node, children: dict[bytes, Node]) -> Node:
    described = lower if upper.implied and lower is not None else upper
    result = Node(described.mode)
    result.uid, result.gid = described.uid, described.gid
    result.mtime_ns, result.implied = described.mtime_ns, described.implied
    result.xattrs = {k: v for k, v in (described.xattrs or {}).items() if k != OPAQUE} or None
    result.children = children
    return result


def _leaf(member: Member) -> Node:
    node = Node(_TYPES[member.kind] | member.mode, member)
    if member.kind is Kind.SYMLINK:
        if not 0 < len(member.link) <= MAX_LINK or b"\0" in member.link:
            raise BadTar(f'symlink "{_text(member.path)}": invalid argument')
        node.mode, node.link, node.size = stat.S_IFLNK | 0o777, member.link, len(member.link)
    return node


def clean(path: bytes) -> bytes:
    """The path below the root, without `.` and doubled slashes; raises `BadTar` for one that leaves
    it.
    """
    ordinary = _ORDINARY(path)
    if ordinary is not None and path.count(b"/") < MAX_DEPTH:
        return ordinary[1]
    if path.startswith(b"/"):
        raise BadTar(f'"{_text(path)}" is an absolute path: outside of the root filesystem')
    parts = [part for part in path.split(b"/") if part not in {b"", b"."}]
    if b".." in parts:
        raise BadTar(f'"{_text(path)}" is outside of the root filesystem')
    if b"\0" in path:
        raise BadTar(f'"{_text(path)}": invalid argument')
    if len(parts) > MAX_DEPTH or any(len(part) > MAX_NAME for part in parts):
        raise BadTar(f'"{_text(path)}": file name too long')
    return b"/".join(parts)


def _stays(target: list[bytes], depth: int) -> bool:
    """Whether a link at this depth leads to somewhere below the root."""
    for part in target:
        depth += -1 if part == b".." else 1
        if depth < 0:
            return False
    return True


def _kept(member: Member) -> dict[bytes, bytes] | None:
    """A member's attributes without overlayfs' own: from a layer, they could show a container what
    is not its own.

    Without those too that the kernel has on files and folders only. Raises `BadTar` for one that
    no filesystem takes.
    """
    if member.xattrs is None:
        return None
    plain = member.kind in {Kind.FILE, Kind.DIRECTORY}
    kept, total = dict[bytes, bytes](), 0
    for name, value in member.xattrs.items():
        total += (
            len(name) + 1 + len(value)
        )  # listxattr(2) ends each name with a byte, and has 64 KiB
        if not 0 < len(name) <= MAX_XATTR_NAME or b"\0" in name or len(value) > MAX_XATTR_VALUE:
            raise BadTar(f'"{_text(member.path)}": an extended attribute is out of range')
        if not name.startswith(b"trusted.overlay.") and (plain or not name.startswith(b"user.")):
            kept[name] = value
    if total > MAX_XATTRS:
        raise BadTar(f'"{_text(member.path)}": extended attributes take {total} bytes')
    return kept or None


def _not_a_directory(path: bytes, node: Node) -> BadTar:
    what = "symbolic link" if node.link is not None else "file"
    return BadTar(f'"{_text(path)}" is a {what}, and other files lie below it')


def _no_target(link: bytes, path: bytes) -> BadTar:
    return BadTar(f'link "{_text(link)}" "{_text(path)}": no such file or directory')


def _text(path: bytes) -> str:
    return path[:300].decode("utf-8", "backslashreplace")
