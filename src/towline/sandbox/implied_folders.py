"""Folders that an image's layers only imply, as its lower layers describe them.

An entry `tmp/a` without one for `tmp` says nothing of that folder: it is to be as the layer below has
it, with mode 1777. Overlayfs shows a folder as the uppermost layer has it, 0755. So another layer
goes on top of all, with nothing but such folders in it, each as the uppermost layer that names it
has it. That is what `towline.content.tree.merge` makes of the layers too.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from enum import Enum
from functools import cache
from pathlib import Path

from towline.content.overlay_marks import hides_below, implied_folders
from towline.content.tree import Node

_PRIVATE = "trusted.overlay."


class Sight(Enum):
    """What a layer says of a path when it does not describe a folder there."""

    NOTHING = "whoever is below may say more"
    HIDDEN = "nothing below counts"


def described_folders(layers: Sequence[Path]) -> Node | None:
    """The tree of the layer to put on top of these mounted ones, given lowest first; None when they
    show everything as it is.
    """
    implied = [implied_folders(layer) for layer in layers]
    seen = _Layers(layers, implied)
    paths = frozenset[bytes]().union(*implied[1:])
    wrong = [path for path in sorted(paths) if seen.differs(path)]
    if not wrong:
        return None
    root = seen.described(b"") or _as_it_is(layers[-1])
    for path in wrong:
        _place(root, path, seen)
    return root


class _Layers:
    """Mounted layers, lowest first."""

    def __init__(self, layers: Sequence[Path], implied: Sequence[frozenset[bytes]]) -> None:
        self._layers = layers
        self._implied = implied
        self._look = cache(self._looked)

    def differs(self, path: bytes) -> bool:
        """Whether overlayfs would show a folder other than as it is described."""
        described, shown = self.described(path), self._first(path)
        if described is None or shown is None:
            return False
        if path:
            return _facts(described) != _facts(shown)
        return _facts(described)[:3] != _facts(shown)[:3]  # a container's root is given only these

    def described(self, path: bytes) -> Node | None:
        """A folder as the uppermost layer that names it has it."""
        return self._first(path, named=True)

    def _first(self, path: bytes, *, named: bool = False) -> Node | None:
        for number in reversed(range(len(self._layers))):
            if not (named and path in self._implied[number]):
                folder = self._look(number, path)
                if isinstance(folder, Path):
                    return _as_it_is(folder)
            if self._ends(number, path):
                return None
        return None

    def _ends(self, number: int, path: bytes) -> bool:
        """Whether what lower layers have at a path is hidden by this one."""
        if self._look(number, path) is Sight.HIDDEN:
            return True
        above = path
        while above:
            above = above.rpartition(b"/")[0]
            folder = self._look(number, above)
            if isinstance(folder, Path) and hides_below(folder):
                return True
        return False

    def _looked(self, number: int, path: bytes) -> Path | Sight:
        """The folder at a path in one layer; links are not followed."""
        if not path:
            return self._layers[number]
        above, _, name = path.rpartition(b"/")
        folder = self._look(number, above)
        if not isinstance(folder, Path):
            return folder
        found = folder / os.fsdecode(name)
        try:
            mode = found.lstat().st_mode
        except FileNotFoundError:
            return Sight.NOTHING
        return found if stat.S_ISDIR(mode) else Sight.HIDDEN


def _place(root: Node, path: bytes, seen: _Layers) -> None:
    """Put a folder into the tree, with those above it."""
    node, known = root, b""
    for name in path.split(b"/") if path else ():
        known = known + b"/" + name if known else name
        children = node.children
        assert children is not None
        inner = children.get(name) or seen.described(known)
        if inner is None:
            return
        children[name] = node = inner


def _as_it_is(folder: Path) -> Node:
    status = folder.lstat()
    node = Node(status.st_mode)
    node.uid, node.gid, node.mtime_ns = status.st_uid, status.st_gid, status.st_mtime_ns
    names = (name for name in os.listxattr(folder) if not name.startswith(_PRIVATE))
    node.xattrs = {os.fsencode(name): os.getxattr(folder, name) for name in names} or None
    return node


def _facts(node: Node) -> tuple[object, ...]:
    return node.mode, node.uid, node.gid, node.mtime_ns, node.xattrs
