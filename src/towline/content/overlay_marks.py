"""What overlayfs, and whoever stacks layers, is told of a layer: attributes whose names begin with
`trusted.overlay.`, which a container never sees.

- A folder with whiteouts in it has `trusted.overlay.origin`, empty. Where no other layer has the
  folder, overlayfs would not look for whiteouts and list them as names that lead nowhere; with the
  attribute it does ("copied up but origin unknown", `ovl_path_check_origin_xattr` in the kernel's
  `fs/overlayfs/util.c`).
- The root has `trusted.overlay.towline.implied` with the paths of folders that exist only because
  something lies in them. Their owner, mode and time are those that a lower layer gives them, which
  overlayfs cannot know: it shows the uppermost.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from towline.content.tree import OPAQUE, Node

ORIGIN = b"trusted.overlay.origin"
IMPLIED = b"trusted.overlay.towline.implied"
MAX_IMPLIED = 60_000  # an attribute has room for 65,535
_ROOT = b"."


class TooManyImplied(Exception):
    """The paths do not fit: such a layer cannot be stacked by overlayfs alone."""


def of_folder(node: Node) -> dict[bytes, bytes]:
    """The marks of a folder that is not the root."""
    assert node.children is not None
    return {ORIGIN: b""} if any(child.hides for child in node.children.values()) else {}


def of_root(root: Node) -> dict[bytes, bytes]:
    """The marks of the root; raises `TooManyImplied`."""
    implied = b"\0".join(_implied(root))
    if len(implied) > MAX_IMPLIED:
        raise TooManyImplied
    return of_folder(root) | ({IMPLIED: implied} if implied else {})


def implied_folders(layer: Path) -> frozenset[bytes]:
    """The folders that a mounted layer only implies; the root is the empty path."""
    try:
        value = os.getxattr(layer, IMPLIED)
    except OSError:
        return frozenset()
    return frozenset(b"" if path == _ROOT else path for path in value.split(b"\0"))


def hides_below(folder: Path) -> bool:
    """Whether a folder of a mounted layer hides what lower layers have in it."""
    try:
        os.getxattr(folder, OPAQUE)
    except OSError:
        return False
    return True


def _implied(root: Node) -> Iterator[bytes]:
    if root.implied:
        yield _ROOT
    waiting = [(b"", root)]
    while waiting:
        above, folder = waiting.pop()
        for name, node in (folder.children or {}).items():
            if node.children is not None:
                path = above + name
                if node.implied:
                    yield path
                waiting.append((path + b"/", node))
