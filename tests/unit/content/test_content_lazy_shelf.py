"""What is filled while it is used becomes a layer like the others, or is good for the next time."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from tests.images import file, tar

from towline.content.erofs import TAR_OFFSET
from towline.content.index_blob import LayerIndex
from towline.content.index_build import build_index
from towline.content.layer_file import LayerFile
from towline.content.layers import LayerStore
from towline.content.lazy_file import lay_out
from towline.oci.digest import Digest

TAR = tar(file("a", b"one"), file("b", bytes(range(256)) * 4000))
DIFF_ID = Digest.of(TAR)
WEEK = 7 * 24 * 3600


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LayerStore]:
    """An empty store."""
    made = LayerStore(tmp_path / "layers")
    yield made
    made.close()


@pytest.fixture
def index(tmp_path: Path) -> LayerIndex:
    """Of the layer."""
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(TAR, 1))
    return build_index(packed, BytesIO())


def begin(store: LayerStore, index: LayerIndex, content: bytes = b"") -> Path:
    """A layer that is being filled, with the first bytes of its tar; its file."""
    place = store.lazy.place(Digest.parse(index.diff_id))
    place.folder.mkdir()
    lay_out(place.layer, index)
    with place.layer.open("r+b") as out:
        os.pwrite(out.fileno(), content, TAR_OFFSET)
    return place.layer


def test_a_layer_that_is_whole_becomes_one_of_the_others(
    store: LayerStore, index: LayerIndex
) -> None:
    """The same file, under its proper name; nothing else is left."""
    inode = begin(store, index, TAR).stat().st_ino

    store.adopt(DIFF_ID)

    assert store.path(DIFF_ID).stat().st_ino == inode
    LayerFile.open(store.path(DIFF_ID)).verify()
    assert store.lazy.begun() == ()


def test_a_layer_that_came_otherwise_meanwhile_is_dropped(
    store: LayerStore, index: LayerIndex
) -> None:
    """One pod waited for the whole of it, another did not."""
    begin(store, index, TAR)
    store.adopt(DIFF_ID)
    begin(store, index, TAR)

    store.adopt(DIFF_ID)

    assert store.has(DIFF_ID)
    assert store.lazy.begun() == ()


def test_holes_are_seen(store: LayerStore, index: LayerIndex) -> None:
    """A file that is written everywhere may be whole; one with a hole is not."""
    place = store.lazy.place(DIFF_ID)
    begin(store, index, TAR[:1000])
    assert not place.has_no_hole()

    begun = place.layer.stat().st_size
    place.layer.write_bytes(bytes(begun))

    assert place.has_no_hole()


def test_what_was_abandoned_goes_before_layers_do(store: LayerStore, index: LayerIndex) -> None:
    """But not what somebody uses."""
    begin(store, index, TAR)

    store.reclaim({DIFF_ID}, 0)
    assert store.lazy.begun() == (DIFF_ID,)
    store.reclaim((), 100_000_000)
    assert store.lazy.begun() == (DIFF_ID,)
    store.reclaim((), 1000)
    assert store.lazy.begun() == ()


def test_what_nobody_came_back_for_goes_after_a_week(store: LayerStore, index: LayerIndex) -> None:
    """However much room there is."""
    layer = begin(store, index, TAR[:1000])
    long_ago = layer.stat().st_mtime - WEEK - 60
    os.utime(layer, (long_ago, long_ago))

    store.reclaim((), 100_000_000)

    assert store.lazy.begun() == ()


def test_a_folder_without_a_file_goes_at_once(store: LayerStore) -> None:
    """Somebody was killed when he had made no more than its name."""
    store.lazy.place(DIFF_ID).folder.mkdir()

    store.reclaim((), 100_000_000)

    assert store.lazy.begun() == ()
