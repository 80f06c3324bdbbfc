"""EROFS metadata for a tar that stays as it is.

A layer file is `[4 KiB with the superblock][the tar][the metadata]`, in blocks of 512 bytes. Inodes
of files say "flat, plain" and name the block where their data already lies, in the tar. The kernel
mounts it without a loop device (Linux 6.12 and later), and the bytes between the superblock and the
metadata can be hashed against the diff ID at any time. Format:
https://erofs.docs.kernel.org/en/latest/core_ondisk.html and the kernel's `fs/erofs/erofs_fs.h`.
(`mkfs.erofs --tar=i` does the same since 1.7; Debian 12 has 1.5, and it would see the stream only
after it is written.)

Sparse files are "chunk-based": a list says for each chunk where it lies in the tar, or that it is a
hole. What cannot be said so (extents that do not begin at a block, hard links to another layer) is
left out, and the layer is then not whole: it has to be unpacked.

What overlayfs is told beside is in `overlay_marks`.
"""

from __future__ import annotations

import stat
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from towline.content.crc import crc32c
from towline.content.overlay_marks import TooManyImplied, of_folder, of_root
from towline.content.tar_field import BadTar
from towline.content.tar_sparse import Extent
from towline.content.tree import Node

BLOCK = 512
BLOCK_BITS = 9
TAR_OFFSET = 4096
SUPERBLOCK_OFFSET = 1024
_MAGIC = 0xE0F5E1E2
_SLOT = 32
_MAX_BLOCKS = 0xFFFFFFFE
_INODE = struct.Struct("<HHHHQIIIIQII16x")
_ENTRY = struct.Struct("<QHBx")
_EXTENDED = 1
_FLAT_PLAIN = _EXTENDED | 0 << 1
_FLAT_INLINE = _EXTENDED | 2 << 1
_CHUNKED = _EXTENDED | 4 << 1
_CHUNK_BITS = 31  # what the format has room for, beyond those of a block
_MAX_CHUNKS = 4_000_000  # of a layer, 4 bytes each: a file of 16 GB in chunks of 4 KiB
_HOLE = b"\xff\xff\xff\xff"
_COMPATIBLE = 1 | 2  # it has a checksum, and modification times
_INCOMPATIBLE = 4  # it has chunk-based files
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
    whole: bool
    """Whether it has all files of the tree."""


class _Place:
    """One inode on its way to the disk."""

    __slots__ = ("attributes", "chunks", "inline", "node", "parent", "plain")

    def __init__(self, node: Node, parent: Node, attributes: bytes) -> None:
        self.node = node
        self.parent = parent
        self.attributes = attributes
        self.inline = False
        self.plain = False
        self.chunks: _Chunks | None = None


@dataclass(frozen=True, slots=True)
class _Chunks:
    """Where the chunks of a sparse file are."""

    bits: int
    """Of a chunk's size, beyond those of a block."""
    count: int

    def table(self, extents: Sequence[Extent]) -> bytes:
        """The number of each chunk's first block."""
        table, shift = bytearray(_HOLE * self.count), self.bits + BLOCK_BITS
        for begin, size, offset in extents:
            block = (TAR_OFFSET + offset) >> BLOCK_BITS
            for chunk in range(begin >> shift, (begin + size - 1 >> shift) + 1):
                struct.pack_into("<I", table, 4 * chunk, block)
                block += 1 << self.bits
        return bytes(table)


def write_metadata(root: Node, block: int) -> Metadata:
    """The inodes and directories of a tree; they will stand at this block of the file.

    Raises `BadTar` when the file would be larger than block numbers can say.
    """
    layout = _Layout()
    places, end = layout.place(root), layout.end
    content = bytearray(end)
    for number, place in enumerate(places, 1):
        if place.plain:
            _write_file(content, place.node, number)
            continue
        start = block + (len(content) >> BLOCK_BITS)
        content += _area(place)
        _write_inode(content, place, number, start)
    if block + (len(content) >> BLOCK_BITS) > _MAX_BLOCKS:
        raise BadTar(f"it is larger than {_MAX_BLOCKS * BLOCK} bytes")
    return Metadata(bytes(content), root.number, len(places), layout.whole)


def superblock(metadata: Metadata, block: int) -> bytes:
    """What stands at `SUPERBLOCK_OFFSET`."""
    blocks = block + (len(metadata.content) >> BLOCK_BITS)
    packed = struct.pack(
        "<IIIBBHQQIIII32xI", _MAGIC, 0, _COMPATIBLE, BLOCK_BITS, 0, metadata.root,
        metadata.inodes, 0, 0, blocks, block, 0, _INCOMPATIBLE,
    ).ljust(128, b"\0")  # fmt: skip
    checksum = crc32c(packed.ljust(BLOCK, b"\0"))  # nothing but zeros follows
    return packed[:4] + struct.pack("<I", checksum) + packed[8:]


class _Layout:
    """Gives every inode its number, which is its place."""

    def __init__(self) -> None:
        self.whole = True
        self._position = _SLOT  # 0 is no inode
        self._chunks = 0

    @property
    def end(self) -> int:
        """Where the inodes end; a whole block."""
        return _up(self._position, BLOCK)

    def place(self, root: Node) -> list[_Place]:
        """All inodes of a tree, in the order of their places."""
        places, seen, waiting = list[_Place](), set[int](), [(root, root)]
        while waiting:
            node, parent = waiting.pop()
            if id(node) in seen:
                continue  # a hard link
            seen.add(id(node))
            if _is_plain(node):
                places.append(self._file(node, parent))
                continue
            place = _Place(node, parent, self._attributes(node, root))
            node.number = 0
            if not self._fits(place):
                self.whole = False
                continue
            self._inode(place)
            places.append(place)
            if node.children:
                waiting.extend((child, node) for child in node.children.values())
        return places

    def _file(self, node: Node, parent: Node) -> _Place:
        place = _Place(node, parent, b"")
        place.plain = True
        node.number = self._position // _SLOT
        self._position += _INODE.size
        return place

    def _attributes(self, node: Node, root: Node) -> bytes:
        if node.children is None:
            return _xattrs(node.xattrs or {})
        try:
            marks = of_root(root) if node is root else of_folder(node)
        except TooManyImplied:
            self.whole, marks = False, of_folder(root)
        return _xattrs({**(node.xattrs or {}), **marks})

    def _fits(self, place: _Place) -> bool:
        node = place.node
        if node.below is not None:
            return False
        if node.extents is not None and node.size:
            place.chunks = _chunks(node.size, node.extents, _MAX_CHUNKS - self._chunks)
            if place.chunks is None:
                return False
            self._chunks += place.chunks.count
        return True

    def _inode(self, place: _Place) -> None:
        node, need = place.node, _INODE.size + len(place.attributes)
        if place.chunks is not None:
            need += 4 * place.chunks.count
        if node.link is not None and need + len(node.link) <= BLOCK:
            place.inline = True
            need += len(node.link)
            if self._position % BLOCK + need > BLOCK:
                self._position = _up(self._position, BLOCK)  # an inline tail must not leave it
        node.number = self._position // _SLOT
        self._position = _up(self._position + need, _SLOT)


def _is_plain(node: Node) -> bool:
    """Whether this is a file as most are, so that little has to be asked of it."""
    return (
        node.children is None
        and node.xattrs is None
        and node.extents is None
        and node.below is None
        and stat.S_ISREG(node.mode)
    )


def _chunks(size: int, extents: Sequence[Extent], most: int) -> _Chunks | None:
    """The largest chunks whose borders are those of the extents; None when there are none."""
    borders = 1 << (BLOCK_BITS + _CHUNK_BITS)
    for begin, length, offset in extents:
        borders |= begin
        if begin + length < size:
            borders |= length
        if offset % BLOCK:
            return None
    bits = (borders & -borders).bit_length() - 1 - BLOCK_BITS
    if bits < 0:
        return None
    count = -(-size >> (bits + BLOCK_BITS))
    return _Chunks(bits, count) if count <= most else None


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
        if child.number
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


def _write_file(inodes: bytearray, node: Node, number: int) -> None:
    """The inode of a plain file."""
    seconds, nanoseconds = divmod(node.mtime_ns, 1_000_000_000)
    _INODE.pack_into(
        inodes, node.number * _SLOT, _FLAT_PLAIN, 0, node.mode, 0, node.size,
        (TAR_OFFSET + node.offset) >> BLOCK_BITS, number, node.uid, node.gid,
        seconds & 0xFFFFFFFFFFFFFFFF, nanoseconds, node.links,
    )  # fmt: skip


def _write_inode(inodes: bytearray, place: _Place, number: int, area: int) -> None:
    node, attributes = place.node, place.attributes
    at = node.number * _SLOT
    count = (len(attributes) - 12) // 4 + 1 if attributes else 0
    seconds, nanoseconds = divmod(node.mtime_ns, 1_000_000_000)
    where, size, links = _where(place, area), node.size, node.links
    if node.children is not None:
        links = 2 + sum(child.children is not None for child in node.children.values())
    elif not (stat.S_ISREG(node.mode) or stat.S_ISLNK(node.mode)):
        size = 0
    _INODE.pack_into(
        inodes, at, _layout(place), count, node.mode, 0, size, where, number, node.uid, node.gid,
        seconds & 0xFFFFFFFFFFFFFFFF, nanoseconds, links,
    )  # fmt: skip
    behind = attributes + _tail(place)
    inodes[at + _INODE.size : at + _INODE.size + len(behind)] = behind


def _layout(place: _Place) -> int:
    if place.chunks is not None:
        return _CHUNKED
    return _FLAT_INLINE if place.inline else _FLAT_PLAIN


def _tail(place: _Place) -> bytes:
    """What follows an inode and its attributes."""
    node = place.node
    if place.chunks is not None:
        return place.chunks.table(node.extents or ())
    return node.link if place.inline and node.link is not None else b""


def _where(place: _Place, area: int) -> int:
    """The block of the data, the number of a device, or how large chunks are."""
    node = place.node
    if place.inline:
        return 0
    if place.chunks is not None:
        return place.chunks.bits
    if stat.S_ISREG(node.mode):
        return (TAR_OFFSET + node.offset) >> BLOCK_BITS
    if stat.S_ISCHR(node.mode) or stat.S_ISBLK(node.mode):
        return node.device
    return area


def _xattrs(attributes: Mapping[bytes, bytes]) -> bytes:
    """Inline attributes, without those whose name space EROFS does not know."""
    out = bytearray(12)
    for full, value in sorted(attributes.items()):
        named = _xattr_name(full)
        if named is None:
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
