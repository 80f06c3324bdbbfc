"""A layer as a tree of files, made from the members of a tar, with every name judged.

Nothing here touches a disk. A member may only be below the root, and never below something that is
not a directory: a name with `..`, an absolute name, or one that leads through a symbolic link makes
the whole layer unusable. Links themselves are data: what an absolute or dangling link points to is
the container's own business.

Whiteouts take overlayfs' form: a character device 0/0 hides a name, an attribute makes a directory
opaque. The same tree is mounted (as EROFS) or, merged with those below it, unpacked.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable

from towline.content.tar_index import BadTar, Kind, Member

OPAQUE = b"trusted.overlay.opaque"
WHITEOUT = b".wh."
OPAQUE_WHITEOUT = b".wh..wh..opq"
MAX_NAME = 255
MAX_LINK = 4095
MAX_DEPTH = 500
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
        "children", "device", "gid", "implied", "layer", "link", "links", "mode", "mtime_ns",
        "number", "offset", "size", "uid", "xattrs",
    )  # fmt: skip

    def __init__(self, mode: int, member: Member | None = None) -> None:
        self.mode = mode
        self.uid = member.uid if member else 0
        self.gid = member.gid if member else 0
        self.size = member.size if member else 0
        self.mtime_ns = member.mtime_ns if member else 0
        self.offset = member.offset if member else 0
        self.device = member.device if member else 0
        self.xattrs = _kept(member.xattrs) if member else None
        self.link: bytes | None = None
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

    def add(self, member: Member) -> None:
        path = _clean(member.path)
        if not path:
            self._describe(self.root, member)
            return
        parent_path, _, name = path.rpartition(b"/")
        parent = self._directories.get(parent_path) or self._directory(parent_path)
        if name.startswith(WHITEOUT):
            self._white_out(parent, path, name)
        elif member.kind is Kind.HARD_LINK:
            self._link(parent, path, name, member)
        elif member.kind is Kind.DIRECTORY:
            self._add_directory(parent, path, name, member)
        else:
            self._place(parent, path, name, _leaf(member))

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
            what = "symbolic link" if node.link is not None else "file"
            raise BadTar(f'"{_text(path)}" is a {what}, and other files lie below it')
        self._directories[path] = node
        return node

    def _fresh_directory(self, parent: Node, name: bytes) -> Node:
        assert parent.children is not None
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
        node.xattrs = _kept(member.xattrs)
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
        target = self._find(_clean(member.link))
        if target is None or target.hides:
            link = f'link "{_text(member.link)}" "{_text(path)}"'
            raise BadTar(f"{link}: no such file or directory")
        if target.children is not None:
            raise BadTar(f'link "{_text(member.link)}" "{_text(path)}": operation not permitted')
        target.links += 1
        self._place(parent, path, name, target)

    def _find(self, path: bytes) -> Node | None:
        node: Node | None = self.root
        for name in path.split(b"/"):
            if node is None or node.children is None:
                return None
            node = node.children.get(name)
        return node

    def _place(self, parent: Node, path: bytes, name: bytes, node: Node) -> None:
        assert parent.children is not None
        self._forget(parent.children.get(name), path)
        parent.children[name] = node

    def _forget(self, node: Node | None, path: bytes) -> None:
        """A later entry replaces an earlier one of the same name."""
        if node is None:
            return
        node.links -= 1
        if node.children is not None:
            below = path + b"/"
            for known in [each for each in self._directories if each.startswith(below)]:
                del self._directories[known]
            self._directories.pop(path, None)


def merge(layers: Iterable[Node]) -> Node:
    """The tree that a container sees: layers over each other, lowest first, without whiteouts."""
    merged = Node(_DEFAULT_DIRECTORY)
    for number, layer in enumerate(layers):
        merged = _over(merged, layer, number)
    return merged


def _over(lower: Node | None, upper: Node, number: int) -> Node:
    """One directory over another; neither is changed but for the layer's number in files."""
    assert upper.children is not None
    below = {} if lower is None or upper.opaque else lower.children or {}
    children = dict(below)
    for name, node in upper.children.items():
        if node.hides:
            children.pop(name, None)
        elif node.children is None:
            node.layer = number
            children[name] = node
        else:
            beneath = children.get(name)
            is_directory = beneath is not None and beneath.children is not None
            children[name] = _over(beneath if is_directory else None, node, number)
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


def _clean(path: bytes) -> bytes:
    """The path below the root, without `.` and doubled slashes; raises `BadTar` for one that leaves
    it.
    """
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


def _kept(xattrs: dict[bytes, bytes] | None) -> dict[bytes, bytes] | None:
    """Without overlayfs' own attributes: from a layer, they could show a container what is not its
    own.
    """
    if xattrs is None:
        return None
    return {k: v for k, v in xattrs.items() if not k.startswith(b"trusted.overlay.")} or None


def _text(path: bytes) -> str:
    return path[:300].decode("utf-8", "backslashreplace")
