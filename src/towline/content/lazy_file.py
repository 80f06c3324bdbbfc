"""A layer's file before its tar has come: everything around the tar, and a hole where it belongs.

The file is from the beginning what it will be in the end (see `layer_file`): it has its size, its
header, and the EROFS metadata, so it can be mounted. What its holes would be read as is for others
to prevent. Spans are written in any order; which of them are there is not noted in the file but seen
from it, by their digests, so no power cut and no killed process can make it lie.
"""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

from towline.content.erofs import (
    BLOCK_BITS,
    SUPERBLOCK_OFFSET,
    TAR_OFFSET,
    superblock,
    write_metadata,
)
from towline.content.index_blob import MAX_WINDOW, LayerIndex
from towline.content.layer_file import DamagedLayer, LayerFile, Surroundings, pieces, write_around
from towline.content.tar_field import BadTar
from towline.content.tar_index import TarIndex
from towline.content.tree import build_tree
from towline.oci.digest import Digest


def lay_out(path: Path, index: LayerIndex) -> None:
    """Make a layer's file with a hole for its tar. One that is there already, of the same layer and
    undamaged around its tar, is kept with the spans that it has.
    """
    if _is_laid_out(path, index):
        return
    path.unlink(missing_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        os.ftruncate(fd, index.metadata_offset + len(index.metadata))
        offset, whole = index.metadata_offset, True  # the others have no index
        around = Surroundings(index.superblock, index.metadata, offset, whole)
        write_around(fd, Digest.parse(index.diff_id), index.tar_size, around)
    finally:
        os.close(fd)


def _is_laid_out(path: Path, index: LayerIndex) -> bool:
    try:
        file = LayerFile.open(path)
        around = _around(path, index)
    except (DamagedLayer, OSError):
        return False
    return (
        str(file.diff_id) == index.diff_id
        and file.tar_size == index.tar_size
        and file.metadata_offset == index.metadata_offset
        and file.whole
        and around == hashlib.sha256(index.superblock + index.metadata).digest()
    )


def _around(path: Path, index: LayerIndex) -> bytes:
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        fd = file.fileno()
        digest.update(os.pread(fd, len(index.superblock), SUPERBLOCK_OFFSET))
        for piece in pieces(fd, index.metadata_offset, len(index.metadata)):
            digest.update(piece)
    return digest.digest()


class LazyFile:
    """A laid out file, open for those who fill it.

    It is opened before the file is watched, and its descriptor is handed on: the kernel asks nobody
    about what is read through it.
    """

    def __init__(self, descriptor: int, index: LayerIndex) -> None:
        self.descriptor = descriptor
        self.index = index

    def fileno(self) -> int:
        """Its descriptor."""
        return self.descriptor

    def put(self, number: int, content: bytes) -> None:
        """Write a span, which has been verified."""
        view, offset = memoryview(content), TAR_OFFSET + self.index.spans[number].begin
        while view:
            written = os.pwrite(self.descriptor, view, offset)
            view, offset = view[written:], offset + written

    def before(self, number: int) -> bytes:
        """What a span may refer back to; the span before it must be there."""
        begin = self.index.spans[number].begin
        count = min(begin, MAX_WINDOW)
        return os.pread(self.descriptor, count, TAR_OFFSET + begin - count)

    def is_hole(self, number: int) -> bool:
        """Whether nothing was ever written where a span belongs; asks the filesystem, reads nothing."""
        begin = TAR_OFFSET + self.index.spans[number].begin
        try:
            return os.lseek(self.descriptor, begin, os.SEEK_DATA) >= begin + self.index.size(number)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing to the end
                return True
            raise

    def has(self, number: int) -> bool:
        """Whether the bytes of a span are there, by their digest."""
        begin, size = TAR_OFFSET + self.index.spans[number].begin, self.index.size(number)
        digest = hashlib.sha256()
        for piece in pieces(self.descriptor, begin, size):
            digest.update(piece)
        return digest.digest() == self.index.spans[number].sha256

    def is_whole(self) -> bool:
        """Whether its tar is the layer, and what surrounds it is what `seal` would have written.

        The index came from elsewhere: it could show other files than the tar has, and the layer's
        digest would not tell.
        """
        index = self.index
        verifier, tar = Digest.parse(index.diff_id).verifier(), TarIndex()
        try:
            for piece in pieces(self.descriptor, TAR_OFFSET, index.tar_size):
                verifier.update(piece)
                tar.feed(piece)
            if not verifier.verified:
                return False
            tar.finish()
            metadata = write_metadata(build_tree(tar.members), index.metadata_offset >> BLOCK_BITS)
        except BadTar:
            return False
        block = superblock(metadata, index.metadata_offset >> BLOCK_BITS)
        return (block, metadata.content) == (index.superblock, index.metadata) and metadata.whole
