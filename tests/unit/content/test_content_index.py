"""The index of a layer: every span of it can be had alone, and is exactly its bytes."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
import tempfile
import zlib
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.images import directory, file, hard_link, noise, special, symlink, tar

from towline.content.erofs import SUPERBLOCK_OFFSET
from towline.content.index_blob import BadIndex, LayerIndex, Span, decode_head, encode_head
from towline.content.index_build import build_index
from towline.content.index_span import BadSpan, unpack_span
from towline.content.layer_file import LayerFile, seal
from towline.content.tar_field import BadTar
from towline.content.tar_index import TarIndex
from towline.content.tree import build_tree
from towline.oci.digest import Digest
from towline.oci.media_type import Compression

STEP = 8 * 1024
MAGIC_SIZE = 16
VARIED = (
    directory("folder", mode=0o1777, uid=3_000_000, gid=5),
    file("folder/plain", b"x" * 5000, mode=0o4755),
    file("folder/marked", b"x", pax_headers={"SCHILY.xattr.user.a": "b", "mtime": "7.25"}),
    file("implied/only/empty"),
    symlink("link", "folder/plain"),
    hard_link("again", "folder/plain"),
    special("zero", tarfile.CHRTYPE, devmajor=1, devminor=5),
    file("folder/.wh.gone"),
    file("opaque/.wh..wh..opq"),
)
"""Something of everything."""
VARIED_SUM = "d189227da7c62d3b141e20b897aacc8cd8d686e3f80764bbe001da89bd621a16"


def text(size: int, seed: int) -> bytes:
    """Something that deflate packs well, and looks back for."""
    lines = (b"%d %d the quick brown fox\n" % (seed, number * seed % 97) for number in range(size))
    return b"".join(lines)[:size]


def contents() -> st.SearchStrategy[bytes]:
    """Text, noise and nothing, one after the other."""
    part = st.one_of(
        st.builds(text, st.integers(0, 60_000), st.integers(1, 9)),
        st.builds(lambda size, seed: zlib.crc32(bytes([seed])).to_bytes(4, "big") * size,
                  st.integers(0, 9000), st.integers(0, 9)),
        st.builds(noise, st.integers(0, 40_000), st.integers(1, 9)),
    )  # fmt: skip
    return st.lists(part, max_size=4).map(b"".join)


@st.composite
def packings(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A tar, and a layer of it: of one gzip member or several, or as it is."""
    data = tar(*(file(f"f{n}", c) for n, c in enumerate(draw(st.lists(contents(), max_size=3)))))
    level = draw(st.integers(-1, 9))
    if level < 0:
        return data, data
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=3)))
    parts = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    return data, b"".join(gzip.compress(part, level) for part in parts)


def indexed(folder: Path, layer: bytes, step: int = STEP) -> tuple[LayerIndex, bytes]:
    """The index of a layer, and its windows."""
    path, windows = folder / "layer", io.BytesIO()
    path.write_bytes(layer)
    return build_index(path, windows, step), windows.getvalue()


def span_of(index: LayerIndex, layer: bytes, windows: bytes, number: int) -> bytes:
    """A span, from no more than what a reader fetches for it."""
    span, packed = index.spans[number], index.packed_range(number)
    frame = windows[span.window : span.window + span.window_size]
    return unpack_span(index, number, layer[packed.start : packed.stop], frame)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(packings())
def test_every_span_of_a_layer_unpacks_to_exactly_its_bytes(
    tmp_path: Path, packing: tuple[bytes, bytes]
) -> None:
    """Whatever is in it and however it is packed; together they are the tar."""
    data, layer = packing
    built, windows = indexed(tmp_path, layer)
    index = decode_head(encode_head(built))

    spans = [span_of(index, layer, windows, number) for number in range(len(index.spans))]

    assert index == built
    assert b"".join(spans) == data
    assert index.diff_id == str(Digest.of(data))
    assert all(len(one) == index.size(number) for number, one in enumerate(spans))


def test_a_large_layer_has_many_spans_with_and_without_windows(tmp_path: Path) -> None:
    """Text looks back, noise does not."""
    data = tar(*(file(f"t{n}", text(400_000, n + 1) + noise(400_000, n)) for n in range(8)))
    layer = gzip.compress(data, 6)
    index, windows = indexed(tmp_path, layer)

    sizes = {bool(span.window_size) for span in index.spans}

    assert len(index.spans) > 20
    assert sizes == {True, False}
    last = len(index.spans) - 1
    assert span_of(index, layer, windows, last) == data[index.spans[last].begin :]


@given(st.integers(-5000, 300_000), st.integers(0, 120_000))
def test_the_spans_of_a_range_cover_it_and_no_more(begin: int, length: int) -> None:
    """What a read asks for is fetched, and nothing besides."""
    index = covered()
    end = begin + length

    numbers = index.covering(begin, end)

    touched = [
        number
        for number, span in enumerate(index.spans)
        if span.begin < end and span.begin + index.size(number) > begin and length
    ]
    assert list(numbers) == touched


def covered() -> LayerIndex:
    """An index without a layer."""
    document = indexes_of(tuple(range(0, 200_000, 7000)), 200_000)
    return decode_head(encode_head(document))


def indexes_of(begins: tuple[int, ...], size: int) -> LayerIndex:
    """An index with spans that begin here."""
    spans = tuple(Span(begin, begin, bytes(32)) for begin in begins)
    offset = (4096 + size + 4095) & ~4095
    diff_id = str(Digest.of(b""))
    return LayerIndex(diff_id, Compression.NONE, size, size, offset, bytes(128), b"", spans)


def test_an_index_has_the_metadata_that_the_whole_layer_gets(tmp_path: Path) -> None:
    """So what is mounted early is what is mounted later."""
    data = tar(file("a", b"x" * 5000), file("b" * 120, b"y"))
    index, _ = indexed(tmp_path, gzip.compress(data))
    path, members = tmp_path / "whole", TarIndex()
    members.feed(data)
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    os.pwrite(fd, data, 4096)
    seal(fd, Digest.of(data), len(data), build_tree(members.members))

    whole = LayerFile.open(path)

    assert index.metadata_offset == whole.metadata_offset
    assert index.metadata == os.pread(fd, whole.metadata_size, whole.metadata_offset)
    assert index.superblock == os.pread(fd, 128, SUPERBLOCK_OFFSET)
    os.close(fd)


@settings(max_examples=30, deadline=None)
@given(position=st.integers(0, 1 << 30), value=st.integers(1, 255))
def test_a_damaged_byte_of_a_span_is_refused_or_does_not_matter(position: int, value: int) -> None:
    """A span is right or it is none; a window that differs where nobody looks back is harmless."""
    data, layer, index, windows = LARGE
    damaged, damaged_windows = bytearray(layer), bytearray(windows)
    damaged[position % len(layer)] ^= value
    damaged_windows[position % len(windows)] ^= value

    for number, span in enumerate(index.spans):
        try:
            content = span_of(index, bytes(damaged), bytes(damaged_windows), number)
        except BadSpan:
            continue
        assert content == data[span.begin : span.begin + index.size(number)]


def test_metadata_are_those_of_this_version(tmp_path: Path) -> None:
    """Who fills a layer compares the metadata in its index with those that he would write himself, and
    ends its containers when they differ. Where other bytes are to be written from now on, indexes of
    before must not be read any more: give heads another first line, and this test another sum.
    """
    index, _ = indexed(tmp_path, tar(*VARIED))

    assert hashlib.sha256(index.superblock + index.metadata).hexdigest() == VARIED_SUM


def _large() -> tuple[bytes, bytes, LayerIndex, bytes]:
    data = tar(*(file(f"t{n}", text(150_000, n + 1) + noise(20_000, n)) for n in range(30)))
    layer = gzip.compress(data, 6)
    with tempfile.TemporaryDirectory() as folder:
        return data, layer, *indexed(Path(folder), layer)


LARGE = _large()


@given(st.binary(max_size=300), st.integers(0, 400))
def test_rubbish_is_no_head(content: bytes, cut: int) -> None:
    """Heads come over the network."""
    head = encode_head(LARGE[2])
    for rubbish in (content, head[:MAGIC_SIZE] + content, head[: min(cut, len(head) - 1)]):
        with pytest.raises(BadIndex):
            decode_head(rubbish)


@pytest.mark.parametrize(
    "begins",
    [
        pytest.param((1, 5000), id="not from the beginning"),
        pytest.param((0, 5000, 5000), id="twice"),
        pytest.param((0, 6000, 5000), id="backwards"),
        pytest.param((0, 9000), id="behind the end"),
        pytest.param((), id="none"),
    ],
)
def test_spans_that_cannot_be_are_refused(begins: tuple[int, ...]) -> None:
    """An index that contradicts itself is none."""
    with pytest.raises(BadIndex):
        decode_head(encode_head(indexes_of(begins, 9000)))


@pytest.mark.parametrize(
    ("layer", "error"),
    [
        pytest.param(gzip.compress(tar(file("a", b"x")))[:-9], BadTar, id="cut"),
        pytest.param(gzip.compress(tar(file("a", b"x"))) + b"tail", BadTar, id="tail"),
        pytest.param(gzip.compress(b"no tar" * 200), BadTar, id="no tar"),
        pytest.param(zstandard.compress(tar(file("a", b"x"))), BadIndex, id="zstd"),
        pytest.param(gzip.compress(bytes(80_000_000), 9), BadIndex, id="no place to begin"),
    ],
)
def test_a_layer_that_cannot_be_indexed_is_said_so(
    tmp_path: Path, layer: bytes, error: type[Exception]
) -> None:
    """It is pulled in full then."""
    with pytest.raises(error):
        indexed(tmp_path, layer)
