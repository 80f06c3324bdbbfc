"""A tar stream is indexed while it passes, and every name in it is judged."""

from __future__ import annotations

import contextlib
import io
import stat
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.images import directory, file, hard_link, special, symlink, tar

from towline.content.tar_field import BadTar
from towline.content.tar_index import Kind, Member, TarIndex
from towline.content.tree import Node, build_tree, merge

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=120)
CONTENTS = st.binary(max_size=2000)


def indexed(data: bytes, cut: int = 1 << 20) -> list[Member]:
    """The members of a tar, fed in pieces of this size."""
    index = TarIndex()
    for begin in range(0, len(data), cut):
        index.feed(data[begin : begin + cut])
    index.finish()
    return index.members


def tree_of(data: bytes) -> Node:
    """The tree of a tar."""
    return build_tree(indexed(data))


def at(root: Node, path: str) -> Node:
    """The node at a path."""
    node = root
    for name in path.encode().split(b"/"):
        assert node.children is not None
        node = node.children[name]
    return node


@settings(max_examples=60)
@given(
    members=st.lists(st.tuples(NAMES, CONTENTS, st.integers(0, 0o7777)), max_size=8),
    layout=st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
    cut=st.sampled_from([1, 7, 511, 512, 513, 4096, 1 << 20]),
)
def test_every_member_is_found_where_tarfile_finds_it(
    members: list[tuple[str, bytes, int]], layout: int, cut: int
) -> None:
    """Whatever the names, the format and the size of the pieces."""
    data = tar(*(file(n, c, mode=m) for n, c, m in members), format=layout)

    found = indexed(data, cut)

    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        expected = archive.getmembers()
    assert [(m.path.decode(), m.size, m.mode, m.offset) for m in found] == [
        (m.name, m.size, m.mode, m.offset_data) for m in expected
    ]
    assert [data[m.offset : m.offset + m.size] for m in found] == [c for _, c, _ in members]


@given(st.binary(max_size=3000), st.integers(1, 700))
def test_rubbish_is_refused_or_read_but_never_crashes(data: bytes, cut: int) -> None:
    """A layer comes from anybody; what is read of it lies within it."""
    read: list[Member] = []
    with contextlib.suppress(BadTar):
        read = indexed(data, cut)
        build_tree(read)

    assert all(0 <= one.offset <= one.offset + one.size <= len(data) for one in read)


@given(st.integers(0, 5119), st.integers(0, 255))
def test_a_damaged_byte_is_noticed_or_harmless(position: int, value: int) -> None:
    """Headers have checksums, data has the diff ID."""
    intact = tar(file("a" * 90, b"x" * 600), symlink("b", "a"))
    data = bytearray(intact)
    data[position % len(data)] = value
    read = None
    with contextlib.suppress(BadTar):
        read = indexed(bytes(data))
        build_tree(read)

    assert read is None or read == indexed(intact)


def test_attributes_times_and_big_numbers_survive() -> None:
    """Fractions of seconds, extended attributes, numbers that octal cannot hold."""
    headers = {"SCHILY.xattr.user.note": "x", "SCHILY.xattr.trusted.overlay.redirect": "/etc"}
    info = file("f", b"1", uid=3_000_000_000, gid=5, mtime=1_700_000_000.25, pax_headers=headers)

    (member,) = indexed(tar(info))
    node = at(tree_of(tar(info)), "f")

    assert (member.uid, member.gid) == (3_000_000_000, 5)
    assert member.mtime_ns == 1_700_000_000_250_000_000
    assert node.xattrs == {b"user.note": b"x"}  # overlayfs' own are nobody's to set


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        (file("../escape"), '"../escape" is outside of the root filesystem'),
        (file("a/../../escape"), '"a/../../escape" is outside of the root filesystem'),
        (file("/etc/passwd"), "is an absolute path: outside of the root filesystem"),
        (hard_link("a", "../escape"), '"../escape" is outside of the root filesystem'),
        (hard_link("a", "/etc/passwd"), "is an absolute path: outside of the root filesystem"),
        (hard_link("a", "d"), 'link "d" "a": operation not permitted'),
        (file("out/passwd"), '"out" is a symbolic link, and other files lie below it'),
        (directory("out/d"), '"out" is a symbolic link, and other files lie below it'),
        (file("plain/f"), '"plain" is a file, and other files lie below it'),
        (file("x" * 256), "file name too long"),
        (file("/".join("d" * 501)), "file name too long"),
        (symlink("long", "x" * 5000), "invalid argument"),
        (file("d/.wh..."), "hides nothing that can have a name"),
        (file("d/.wh.."), "hides nothing that can have a name"),
    ],
    ids=lambda value: "" if isinstance(value, tuple) else value[:40],
)
def test_a_member_that_reaches_out_makes_the_layer_unusable(
    member: tuple[tarfile.TarInfo, bytes], reason: str
) -> None:
    """Not skipped, not mended: refused, with its name."""
    base = (directory("d"), symlink("out", "/etc"), file("plain"))

    with pytest.raises(BadTar) as caught:
        tree_of(tar(*base, member))

    assert reason in str(caught.value)


def test_a_hard_link_to_a_lower_layer_is_one_file_with_it() -> None:
    """What it is, only the merged tree knows; without such a file, the image is unusable."""
    lower, upper = tar(file("d/a", b"1", mode=0o640)), tar(hard_link("b", "d/a"))

    merged = merge([tree_of(lower), tree_of(upper)])

    assert at(merged, "b") is at(merged, "d/a")
    assert at(merged, "b").links == 2
    with pytest.raises(BadTar, match='link "d/a" "b": no such file or directory'):
        merge([tree_of(upper), tree_of(lower)])


def test_a_path_leads_through_links_that_stay_in_the_layer() -> None:
    """As with GNU tar: `lib` may be a link to `usr/lib`, and files come below `lib`."""
    root = tree_of(
        tar(
            directory("usr/lib"),
            symlink("lib", "usr/lib"),
            symlink("usr/lib64", "../lib"),
            file("lib/one", b"1"),
            file("usr/lib64/sub/two", b"22"),
            hard_link("three", "usr/lib64/one"),
        )
    )

    assert at(root, "usr/lib/one") is at(root, "three")
    assert at(root, "usr/lib/sub/two").size == 2
    assert at(root, "lib").link == b"usr/lib"


@pytest.mark.parametrize("target", ["/etc", "..", "d/../../etc", "h/d/h/../../..", "loop", "plain"])
def test_a_path_through_a_link_never_leaves_the_layer(target: str) -> None:
    """Absolute links, those that lead out, round in circles, or to what is no folder."""
    data = tar(
        file("plain"), directory("d"), symlink("h", "."), symlink("loop", target),
        file("loop/passwd"),
    )  # fmt: skip

    with pytest.raises(BadTar, match=r"other files lie below it|outside of the root filesystem"):
        tree_of(data)


def test_links_are_data() -> None:
    """What a link points to is the container's business, be it absolute or nowhere."""
    root = tree_of(tar(symlink("etc", "/etc"), symlink("gone", "../../nowhere")))

    assert at(root, "etc").link == b"/etc"
    assert at(root, "gone").link == b"../../nowhere"


def test_hard_links_are_one_file() -> None:
    """Also when the first name is taken away again by a later entry."""
    root = tree_of(tar(file("a", b"x"), hard_link("b", "a"), directory("a")))

    assert at(root, "b").links == 1
    assert stat.S_ISDIR(at(root, "a").mode)


def test_a_later_entry_replaces_an_earlier_one() -> None:
    """A directory that becomes a file loses what was in it."""
    root = tree_of(tar(file("d/old"), file("d", b"now a file"), directory("e"), file("e/x")))

    assert at(root, "d").size == 10
    assert at(root, "e/x").size == 0


def test_devices_and_pipes_keep_their_numbers() -> None:
    """Major 8, minor 300 does not fit the old encoding."""
    disk = special("disk", tarfile.BLKTYPE, devmajor=8, devminor=300)
    root = tree_of(tar(disk, special("pipe", tarfile.FIFOTYPE)))

    node = at(root, "disk")
    assert (node.device & 0xFFF00) >> 8 == 8
    assert ((node.device >> 12) & 0xFFF00 | node.device & 0xFF) == 300
    assert stat.S_ISFIFO(at(root, "pipe").mode)


def test_a_whiteout_hides_only_what_is_below() -> None:
    """In the same layer, what is made stays; a directory made anew is opaque."""
    upper = tree_of(
        tar(
            file(".wh.gone"),
            file(".wh.again"),
            file("again/new"),
            file("kept/.wh..wh..opq"),
            file("kept/mine"),
        )
    )

    assert at(upper, "gone").hides
    assert at(upper, "again").opaque
    assert at(upper, "kept").opaque
    assert at(upper, "kept/mine").size == 0


def test_layers_merge_as_overlayfs_shows_them() -> None:
    """Whiteouts, opaque directories, replaced and implied ones."""
    lower = tar(
        directory("tmp", mode=0o1777),
        file("gone", b"1"),
        file("dir/old", b"2"),
        file("both/low", b"3"),
        file("shape", b"4"),
    )
    upper = tar(
        file(".wh.gone"),
        file("dir/.wh..wh..opq"),
        file("dir/new", b"5"),
        file("both/high", b"6"),
        directory("shape"),
        file("tmp/x"),
        file("fresh/.wh.nothing"),
    )

    merged = merge([tree_of(lower), tree_of(upper)])

    assert set(merged.children or {}) == {b"tmp", b"dir", b"both", b"shape", b"fresh"}
    assert set(at(merged, "dir").children or {}) == {b"new"}
    assert set(at(merged, "both").children or {}) == {b"low", b"high"}
    assert (at(merged, "both/low").layer, at(merged, "both/high").layer) == (0, 1)
    assert stat.S_IMODE(at(merged, "tmp").mode) == 0o1777
    assert at(merged, "fresh").children == {}


def test_a_stream_cut_in_the_middle_of_a_file_is_noticed() -> None:
    """A tar without an end mark is accepted only between files."""
    data = tar(file("a", b"x" * 1000))

    with pytest.raises(BadTar, match="unexpected EOF"):
        indexed(data[:900])
    assert [m.kind for m in indexed(data[: 512 + 1024])] == [Kind.FILE]
