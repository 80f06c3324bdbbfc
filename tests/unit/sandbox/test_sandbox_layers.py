"""Layers below a container on kernels that cannot mount them; and which layers go."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.images import directory, file, tar
from tests.layer_files import sealed

from towline.content.garbage import KeptLayer, superfluous
from towline.content.layers import LayerStore
from towline.oci.digest import Digest
from towline.sandbox.lower_layers import ExtractedLayers

LOWER = tar(directory("d"), file("d/a", b"1"), file("gone", b"2"))
UPPER = tar(directory("d"), file("d/b", b"3"), file(".wh.gone"))


class Files:
    """Layer files in a folder."""

    def __init__(self, folder: Path) -> None:
        self._paths = dict[Digest, Path]()
        for number, data in enumerate((LOWER, UPPER)):
            self._paths[Digest.of(data)] = sealed(folder / f"layer-{number}", data)

    def path(self, diff_id: Digest) -> Path:
        """Where a layer is."""
        return self._paths[diff_id]


STACK = (Digest.of(LOWER), Digest.of(UPPER))


@pytest.fixture
def extracted(tmp_path: Path) -> ExtractedLayers:
    """Over two layers."""
    return ExtractedLayers(tmp_path / "images", Files(tmp_path))


async def test_an_image_is_written_out_once(extracted: ExtractedLayers) -> None:
    """Merged into one folder, the same for whoever asks again."""
    (folder,) = await extracted.folders(STACK)
    again = await extracted.folders(STACK)

    assert again == (folder,)
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*")) == [
        "d", "d/a", "d/b",
    ]  # fmt: skip


async def test_images_that_nobody_uses_go(extracted: ExtractedLayers, tmp_path: Path) -> None:
    """With what was half written when a process was killed."""
    (folder,) = await extracted.folders(STACK)
    (other,) = await extracted.folders(STACK[:1])
    (tmp_path / "images" / ".half.towline-1234").mkdir()
    await extracted.keep_only(lambda: {STACK})

    assert list((tmp_path / "images").iterdir()) == [folder]
    assert not other.exists()


async def test_an_image_without_layers_has_no_folders(extracted: ExtractedLayers) -> None:
    """The container then begins with nothing."""
    assert await extracted.folders(()) == ()


LAYERS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 100), st.integers(0, 9)), unique_by=lambda x: x[0]
).map(lambda rows: [KeptLayer(Digest.of(bytes([name])), size, at) for name, size, at in rows])


@given(LAYERS, st.sets(st.integers(0, 5)), st.integers(0, 400))
def test_no_more_goes_than_must(layers: list[KeptLayer], in_use: set[int], at_most: int) -> None:
    """Nothing that is used, the longest unwanted first, and enough of it where there is enough."""
    used = {Digest.of(bytes([name])) for name in in_use}
    gone = superfluous(layers, used, at_most)
    by_name = {layer.diff_id: layer for layer in layers}
    rest = sum(layer.size for layer in layers) - sum(by_name[each].size for each in gone)
    idle = {layer.diff_id for layer in layers} - used

    assert set(gone) <= idle
    assert rest <= at_most or set(gone) == idle
    assert not gone or rest + by_name[gone[-1]].size > at_most
    times = [by_name[each].wanted_at for each in gone]
    assert times == sorted(times)
    assert all(by_name[each].wanted_at >= times[-1] for each in idle - set(gone) if times)


def test_a_store_forgets_what_was_wanted_longest_ago(tmp_path: Path) -> None:
    """A layer that is wanted again is young again."""
    store = LayerStore(tmp_path / "layers")
    try:
        for number, data in enumerate((LOWER, UPPER)):
            sealed(store.path(Digest.of(data)), data)
            at = 1_000_000_000 + number
            os.utime(store.path(Digest.of(data)), (at, at))
        store.touch(STACK[0])
        size = max(layer.size for layer in store.kept())

        assert store.reclaim((), at_most=size) == (STACK[1],)
        assert store.has(STACK[0])
        assert store.reclaim(STACK, at_most=0) == ()
        store.touch(STACK[1])
    finally:
        store.close()
