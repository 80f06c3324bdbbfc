"""A layer's file before its tar has come."""

from __future__ import annotations

import gzip
import io
import os
from pathlib import Path

import msgspec
import pytest
from tests.images import file, noise, tar

from towline.content.index_blob import LayerIndex
from towline.content.index_build import build_index
from towline.content.layer_file import LayerFile
from towline.content.lazy_file import LazyFile, lay_out

STEP = 16 * 1024
CONTENT = tar(
    *(file(f"f{number}", noise(60_000, number + 1) + bytes(20_000)) for number in range(8))
)


def indexed(folder: Path) -> LayerIndex:
    """The index of a small layer with several spans."""
    packed = folder / "layer.gz"
    packed.write_bytes(gzip.compress(CONTENT))
    return build_index(packed, io.BytesIO(), STEP)


def opened(path: Path, index: LayerIndex) -> LazyFile:
    """A file that was laid out, for filling."""
    return LazyFile(os.open(path, os.O_RDWR | os.O_CLOEXEC), index)


def span(index: LayerIndex, number: int) -> bytes:
    """A span's bytes of the tar."""
    begin = index.spans[number].begin
    return CONTENT[begin : begin + index.size(number)]


def test_a_file_that_is_laid_out_is_the_layer_but_for_its_tar(tmp_path: Path) -> None:
    """Its header reads as that of a whole layer; when all spans are put, it verifies."""
    index, path = indexed(tmp_path), tmp_path / "layer"
    lay_out(path, index)
    lazy = opened(path, index)
    empty = [lazy.has(number) for number in range(len(index.spans))]
    whole_at_first = lazy.is_whole()
    for number in range(len(index.spans)):
        lazy.put(number, span(index, number))

    assert not any(empty)
    assert not whole_at_first
    assert lazy.is_whole()
    LayerFile.open(path).verify()
    os.close(lazy.descriptor)


def test_files_that_the_tar_does_not_have_are_seen(tmp_path: Path) -> None:
    """The metadata came from a registry; the digest of the layer says nothing of them."""
    index, path = indexed(tmp_path), tmp_path / "layer"
    packed = tmp_path / "other.gz"
    packed.write_bytes(gzip.compress(tar(*(file(f"x{n}", bytes(80_000)) for n in range(8)))))
    foreign = build_index(packed, io.BytesIO(), STEP)
    assert foreign.metadata_offset == index.metadata_offset
    shown = msgspec.structs.replace(index, metadata=foreign.metadata, superblock=foreign.superblock)
    lay_out(path, shown)
    lazy = opened(path, shown)
    for number in range(len(index.spans)):
        lazy.put(number, span(index, number))

    assert all(lazy.has(number) for number in range(len(index.spans)))
    assert not lazy.is_whole()
    os.close(lazy.descriptor)


def test_spans_that_came_before_are_kept(tmp_path: Path) -> None:
    """Laying the same layer out again leaves them; half a span is none."""
    index, path = indexed(tmp_path), tmp_path / "layer"
    lay_out(path, index)
    lazy = opened(path, index)
    lazy.put(2, span(index, 2))
    lazy.put(3, span(index, 3)[: STEP // 2])
    lay_out(path, index)
    again = opened(path, index)

    assert [n for n in range(len(index.spans)) if again.has(n)] == [2]
    os.close(lazy.descriptor)
    os.close(again.descriptor)


@pytest.mark.parametrize("part", ["header", "superblock", "metadata"])
def test_damage_around_the_tar_is_not_kept(tmp_path: Path, part: str) -> None:
    """Where a power cut took something of it, the file begins anew, without spans."""
    index, path = indexed(tmp_path), tmp_path / "layer"
    lay_out(path, index)
    lazy = opened(path, index)
    lazy.put(1, span(index, 1))
    places = {"header": 20, "superblock": 1100, "metadata": index.metadata_offset + 64}
    os.pwrite(lazy.descriptor, b"\xff", places[part])
    os.close(lazy.descriptor)
    lay_out(path, index)
    again = opened(path, index)

    assert not again.has(1)
    for number in range(len(index.spans)):
        again.put(number, span(index, number))
    LayerFile.open(path).verify()
    os.close(again.descriptor)
