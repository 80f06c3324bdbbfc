"""EROFS metadata for a tar that stays as it is.

A layer file is `[4 KiB with the superblock][the tar][the metadata]`, in blocks of 512 bytes. Inodes
of files say "flat, plain" and name the block where their data already lies, in the tar. The kernel
mounts it without a loop device (Linux 6.12 and later), and the bytes between the superblock and the
metadata can be hashed against the diff ID at any time. Format:
https://erofs.docs.kernel.org/en/latest/core_ondisk.html and the kernel's `fs/erofs/erofs_fs.h`.
(`mkfs.erofs --tar=i` does the same since 1.7; Debian 12 has 1.5, and it would see the stream only
after it is written.)
"""

from __future__ import annotations

import stat
import struct
from dataclasses import dataclass

from towline.content.tree import Node

BLOCK = 512
BLOCK_BITS = 9
TAR_OFFSET = 4096
SUPERBLOCK_OFFSET = 1024
_MAGIC = 0xE0F5E1E2
_SLOT = 32
_INODE = struct.Struct("<HHHHQIIIIQII16x")
_ENTRY = struct.Struct("<QHBx")
_EXTENDED = 1
_FLAT_PLAIN = _EXTENDED | 0 << 1
_FLAT_INLINE = _EXTENDED | 2 << 1
_FILE_TYPES = {
    stat.S_IFREG: 1,
    stat.S_IFDIR: 2,
    stat.S_IFCHR: 3,
    stat.S_IFBLK: 4,
    stat.S_IFIFO: 5,
    stat.S_IFLNK: 7,
}
_XATTR_PREFIXES = ((b"user.", 1), (b"trusted.", 4), (b"security.", 6))
_XATTR_WHOLE = {b"system.posix_acl_access": 2, b"system.posix_acl_default": 3}


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is appended to a tar, and where the kernel finds the root in it."""

    content: bytes
    root: int
    inodes: int


class _Place:
    """One inode on its way to the disk."""

    __slots__ = ("attributes", "inline", "node", "parent")

    def __init__(self, node: Node, parent: Node, attributes: bytes) -> None:
        self.node = node
        self.parent = parent
        self.attributes = attributes
        self.inline = False


def write_metadata(root: Node, block: int) -> Metadata:
    """The inodes and directories of a tree; they will stand at this block of the file."""
    places, end = _place_inodes(root)
    inodes = bytearray(end)
    areas = list[bytes]()
    blocks = block + (end >> BLOCK_BITS)
    for number, place in enumerate(places, 1):
        area, start = _area(place), blocks
        areas.append(area)
        blocks += len(area) >> BLOCK_BITS
        _write_inode(inodes, place, number, start)
    return Metadata(bytes(inodes) + b"".join(areas), root.number, len(places))


def superblock(metadata: Metadata, block: int) -> bytes:
    """What stands at `SUPERBLOCK_OFFSET`."""
    blocks = block + (len(metadata.content) >> BLOCK_BITS)
    packed = struct.pack(
        "<IIIBBHQQIIII", _MAGIC, 0, 2, BLOCK_BITS, 0, metadata.root, metadata.inodes, 0, 0,
        blocks, block, 0,
    )  # fmt: skip
    return packed.ljust(128, b"\0")


def _place_inodes(root: Node) -> tuple[list[_Place], int]:
    """Give every inode its number, which is its place; the end is a whole block."""
    places, position = list[_Place](), _SLOT  # 0 is no inode
    seen, waiting = set[int](), [(root, root)]
    while waiting:
        node, parent = waiting.pop()
        if id(node) in seen:
            continue  # a hard link
        seen.add(id(node))
        place = _Place(node, parent, _xattrs(node))
        places.append(place)
        need = _INODE.size + len(place.attributes)
        if node.link is not None and need + len(node.link) <= BLOCK:
            place.inline = True
            need += len(node.link)
            if position % BLOCK + need > BLOCK:
                position = _up(position, BLOCK)  # an inline tail must not leave its block
        node.number = position // _SLOT
        position = _up(position + need, _SLOT)
        if node.children:
            waiting.extend((child, node) for child in node.children.values())
    return places, _up(position, BLOCK)


def _area(place: _Place) -> bytes:
    """The blocks that an inode has in the metadata: a directory's entries, a long link."""
    node = place.node
    if node.children is not None:
        return _directory(node, place.parent)
    if node.link is not None and not place.inline:
        return node.link.ljust(_up(len(node.link), BLOCK), b"\0")
    return b""


def _entries(node: Node, parent: Node) -> list[tuple[bytes, int, int]]:
    assert node.children is not None
    directory = _FILE_TYPES[stat.S_IFDIR]
    entries = [(b".", node.number, directory), (b"..", parent.number, directory)]
    entries += [
        (name, child.number, _FILE_TYPES[stat.S_IFMT(child.mode)])
        for name, child in node.children.items()
    ]
    entries.sort()  # the kernel searches by halves
    return entries


def _directory(node: Node, parent: Node) -> bytes:
    """Entries first, then their names, in every block; sets the directory's size."""
    blocks, batch, used = list[bytes](), list[tuple[bytes, int, int]](), 0
    for entry in _entries(node, parent):
        need = _ENTRY.size + len(entry[0])
        if used + need > BLOCK:
            blocks.append(_directory_block(batch).ljust(BLOCK, b"\0"))
            batch, used = [], 0
        batch.append(entry)
        used += need
    node.size = len(blocks) * BLOCK + used
    blocks.append(_directory_block(batch).ljust(BLOCK, b"\0"))
    return b"".join(blocks)


def _directory_block(batch: list[tuple[bytes, int, int]]) -> bytes:
    heads, offset = list[bytes](), _ENTRY.size * len(batch)
    for name, number, kind in batch:
        heads.append(_ENTRY.pack(number, offset, kind))
        offset += len(name)
    return b"".join(heads) + b"".join(name for name, _, _ in batch)


def _write_inode(inodes: bytearray, place: _Place, number: int, area: int) -> None:
    node, attributes = place.node, place.attributes
    at = node.number * _SLOT
    count = (len(attributes) - 12) // 4 + 1 if attributes else 0
    seconds, nanoseconds = divmod(node.mtime_ns, 1_000_000_000)
    where, size, links = _where(node, area), node.size, node.links
    if node.children is not None:
        links = 2 + sum(child.children is not None for child in node.children.values())
    elif not (stat.S_ISREG(node.mode) or stat.S_ISLNK(node.mode)):
        size = 0
    _INODE.pack_into(
        inodes, at, _FLAT_INLINE if place.inline else _FLAT_PLAIN, count, node.mode, 0, size,
        0 if place.inline else where, number, node.uid & 0xFFFFFFFF, node.gid & 0xFFFFFFFF,
        seconds & 0xFFFFFFFFFFFFFFFF, nanoseconds, links,
    )  # fmt: skip
    tail = at + _INODE.size
    inodes[tail : tail + len(attributes)] = attributes
    if place.inline and node.link is not None:
        tail += len(attributes)
        inodes[tail : tail + len(node.link)] = node.link


def _where(node: Node, area: int) -> int:
    """The block of the data, or the number of a device."""
    if stat.S_ISREG(node.mode):
        return (TAR_OFFSET + node.offset) >> BLOCK_BITS
    if stat.S_ISCHR(node.mode) or stat.S_ISBLK(node.mode):
        return node.device
    return area


def _xattrs(node: Node) -> bytes:
    """Inline attributes, without those whose name space EROFS does not know."""
    out = bytearray(12)
    for full, value in sorted((node.xattrs or {}).items()):
        named = _xattr_name(full)
        if named is None or len(named[1]) > 255 or len(value) > 0xFFFF:
            continue
        index, name = named
        out += struct.pack("<BBH", len(name), index, len(value)) + name + value
        out += b"\0" * (-len(out) % 4)
    return bytes(out) if len(out) > 12 else b""


def _xattr_name(full: bytes) -> tuple[int, bytes] | None:
    if full in _XATTR_WHOLE:
        return _XATTR_WHOLE[full], b""
    for prefix, index in _XATTR_PREFIXES:
        if full.startswith(prefix):
            return index, full[len(prefix) :]
    return None


def _up(value: int, step: int) -> int:
    return (value + step - 1) // step * step
