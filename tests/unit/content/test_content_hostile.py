"""Layers that were made to do harm are refused, by name and within limits."""

from __future__ import annotations

import random
import tarfile
from collections.abc import Iterable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.images import directory, file, hard_link, special, symlink, tar

from towline.content import tar_index
from towline.content.crc import crc32c
from towline.content.erofs import BLOCK, superblock, write_metadata
from towline.content.intake import most_unpacked
from towline.content.tar_field import BadTar
from towline.content.tar_index import TarIndex
from towline.content.tar_sparse import Extent
from towline.content.tree import Node, build_tree, clean

GB = 1000**3


def metadata_of(data: bytes, cut: int = 4096) -> bytes:
    """What would be mounted of a tar."""
    index = TarIndex()
    for begin in range(0, len(data), cut):
        index.feed(data[begin : begin + cut])
    index.finish()
    return write_metadata(build_tree(index.members), 8).content


def sparse(pieces: Iterable[tuple[int, int]], size: int, stored: int) -> bytes:
    """A sparse file with this map, in the format that has it in front of the data."""
    numbers = [number for piece in pieces for number in piece]
    lines = "".join(f"{number}\n" for number in (len(numbers) // 2, *numbers)).encode()
    content = lines.ljust(-(-len(lines) // 512) * 512, b"\0") + bytes(stored)
    headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "hole"}
    return tar(file("x", content, pax_headers=headers | {"GNU.sparse.realsize": str(size)}))


def with_size(field: bytes) -> bytes:
    """A file whose header says this of its size."""
    made = bytearray(tar(file("f", b"x" * 600), file("g"), format=tarfile.USTAR_FORMAT))
    made[124:136] = field
    made[148:156] = b" " * 8
    made[148:156] = b"%06o\0 " % sum(made[:512])
    return bytes(made)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(sparse([(0, 600), (512, 600)], 4096, 1200), "sparse map", id="overlap"),
        pytest.param(sparse([(1024, 512), (0, 512)], 4096, 1024), "sparse map", id="order"),
        pytest.param(sparse([(4096, 512)], 4096, 512), "sparse map", id="behind the end"),
        pytest.param(sparse([(0, 5120)], 8192, 512), "non-existent data", id="more than there is"),
        pytest.param(sparse([(-512, 512)], 4096, 512), "invalid tar header", id="negative"),
        pytest.param(with_size(b"\xff" * 12), "invalid tar header", id="negative size"),
        pytest.param(with_size(b"77777777777\0"), "unexpected EOF", id="size behind the end"),
        pytest.param(tar(file("f", uid=1 << 32)), "invalid tar header", id="root by overflow"),
        pytest.param(tar(file("f", pax_headers={"uid": "9" * 5000})), "invalid", id="digits"),
        pytest.param(tar(file("f", pax_headers={"mtime": "1" + "0" * 30})), "invalid", id="time"),
        pytest.param(
            tar(special("d", tarfile.CHRTYPE, devmajor=4096)), "invalid", id="device number"
        ),
        pytest.param(
            tar(file("f", pax_headers={"SCHILY.xattr.user.a": "x" * 65_536})),
            '"f": an extended attribute is out of range', id="attribute",
        ),
        pytest.param(
            tar(file("f", pax_headers={f"SCHILY.xattr.user.{n}": "x" * 60_000 for n in range(9)})),
            '"f": extended attributes take', id="attributes",
        ),
        pytest.param(
            tar(file("f", pax_headers={f"SCHILY.xattr.user.{n:05}": "" for n in range(6000)})),
            '"f": extended attributes take 66000', id="more names than a listing has room for",
        ),
        pytest.param(
            tar(symlink("a", "b"), symlink("b", "a"), file("a/f")), "symbolic link", id="circle"
        ),
        pytest.param(
            tar(file("f", pax_headers={"SCHILY.xattr.user.a\0b": "x"})), "out of range", id="NUL"
        ),
        pytest.param(
            tar(hard_link("a", "b/../../etc/passwd")), "outside of the root", id="hard link out"
        ),
        pytest.param(
            tar(symlink("etc", "/etc"), file("etc/shadow")), "symbolic link", id="through a link"
        ),
    ],
)  # fmt: skip
def test_a_hostile_layer_is_refused(data: bytes, reason: str) -> None:
    """With the reason, whatever the pieces in which it comes."""
    for cut in (100, 4096):
        with pytest.raises(BadTar, match=reason):
            metadata_of(data, cut)


def test_files_that_were_taken_from_the_index_still_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A layer is not larger than it may be because somebody looks at its beginning."""
    monkeypatch.setattr("towline.content.tar_index.MAX_MEMBERS", 10)
    data, index, taken = tar(*(file(str(number)) for number in range(11))), TarIndex(), 0

    with pytest.raises(BadTar, match="more than 10 files in one layer"):
        for begin in range(0, len(data), 700):
            index.feed(data[begin : begin + 700])
            taken += len(index.taken())
    assert taken > 7
    assert index.members == [] or taken + len(index.members) == 10


def test_a_layer_has_so_many_files_and_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Named or implied: a short name can ask for five hundred folders."""
    monkeypatch.setattr("towline.content.tar_index.MAX_MEMBERS", 1000)
    monkeypatch.setattr("towline.content.tree.MAX_FOLDERS", 1000)
    many = tar(*(file(str(number)) for number in range(1001)))
    deep = tar(*(file(f"{number}/" + "d/" * 400 + "f") for number in range(4)))

    with pytest.raises(BadTar, match="more than 1000 files in one layer"):
        metadata_of(many)
    with pytest.raises(BadTar, match="more than 1000 folders in one layer"):
        metadata_of(deep)


def test_links_may_be_followed_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name of ten bytes can ask for a walk through forty links, each of four thousand."""
    monkeypatch.setattr("towline.content.tree.MAX_STEPS", 50_000)
    ways = [symlink(f"l{number}", "d/../" * 700 + f"l{number + 1}") for number in range(20)]
    layer = [directory("d"), *ways, directory("l20")]

    assert metadata_of(tar(*layer, file("l0/a")))
    with pytest.raises(BadTar, match="its links lead through more than 50000 folders"):
        metadata_of(tar(*layer, *(file(f"l0/{number}") for number in range(9))))


def test_headers_for_all_files_are_kept_within_bounds() -> None:
    """What nobody reads is not kept; what counts for every file counts for each of them."""
    junk = {f"x.{number}": "y" * 100 for number in range(5000)}
    lasting = {f"SCHILY.xattr.user.{number}": "y" * 60 for number in range(9000)}
    index = TarIndex()
    for number in range(8):
        index.feed(everybodys({f"{number}.{key}": value for key, value in junk.items()}))

    with pytest.raises(BadTar, match="header field too long"):
        for number in range(2):
            index.feed(everybodys({f"{key}.{number}": value for key, value in lasting.items()}))


def everybodys(headers: dict[str, str]) -> bytes:
    """A pax header for all files that follow."""
    return tarfile.TarInfo.create_pax_global_header(headers)


def test_attributes_count_beside_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred for each: those with the shortest names are the dearest to keep."""
    monkeypatch.setattr(tar_index, "MAX_WORDS", 100_000)
    headers = {f"SCHILY.xattr.{number}": "" for number in range(300)}

    with pytest.raises(BadTar, match="take more than 100000 bytes in one layer"):
        metadata_of(tar(*(file(str(number), pax_headers=headers) for number in range(4))))


def test_names_take_so_much_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attributes, links and names count together."""
    monkeypatch.setattr(tar_index, "MAX_WORDS", 100_000)
    headers = {"SCHILY.xattr.user.a": "x" * 30_000}

    with pytest.raises(BadTar, match="take more than 100000 bytes in one layer"):
        metadata_of(tar(*(file(str(number), pax_headers=headers) for number in range(4))))


def test_a_file_of_holes_costs_nothing() -> None:
    """A terabyte of them, and one with a byte in every second block of a gigabyte."""
    assert len(metadata_of(sparse([(0, 512)], 10**12, 512))) < 100_000_000
    hole = Node(0o100644)
    hole.size, hole.extents = 1 << 40, (Extent(512, 512, 0),)
    root = Node(0o40755)
    root.children = {b"hole": hole}

    metadata = write_metadata(root, 8)

    assert not metadata.whole
    assert len(metadata.content) < 4096


def test_folders_that_come_and_go_are_forgotten_at_once() -> None:
    """A layer that replaces a folder again and again costs no more than its entries."""
    again = [each for number in range(3000) for each in (directory("d"), file("d", b"1"))]

    assert metadata_of(tar(*(directory(f"f{number}") for number in range(3000)), *again))


@pytest.mark.parametrize(
    ("packed", "most"),
    [(1000, 2_200_000), (500_000, 552_000_000), (10_000_000, 2 * GB), (2 * GB, 400 * GB)],
    ids=["tiny", "small", "the bomb of ten megabytes", "large"],
)
def test_a_bomb_is_stopped_early(packed: int, most: int) -> None:
    """What repeats itself may unpack to a thousand times its size, but not to gigabytes."""
    assert 0.8 * most <= most_unpacked(packed) <= most


@given(st.integers(0, 1 << 30))
def test_random_fields_are_refused_or_written(start: int) -> None:
    """A header with a right checksum and any numbers never ends in anything but a refusal."""
    chance = random.Random(start)
    made = bytearray(tar(directory("d"), file("d/f", b"1"), symlink("s", "d"), hard_link("h", "s")))
    for _ in range(2):
        at = chance.randrange(4) * 1024 if chance.random() < 0.5 else chance.randrange(6) * 512
        place, length = chance.choice([(0, 9), (100, 8), (108, 8), (124, 12), (136, 12), (156, 9)])
        made[at + place : at + place + length] = chance.randbytes(length)
        made[at + 148 : at + 156] = b" " * 8
        made[at + 148 : at + 156] = b"%06o\0 " % sum(made[at : at + 512])
    try:
        assert metadata_of(bytes(made))
    except BadTar as error:
        assert str(error)


def test_the_superblock_has_its_checksum() -> None:
    """CRC-32C over its block, with the checksum's own place empty."""
    index = TarIndex()
    index.feed(tar(file("f", b"1")))
    block = superblock(write_metadata(build_tree(index.members), 8), 8)

    empty = (block[:4] + bytes(4) + block[8:]).ljust(BLOCK, b"\0")
    assert int.from_bytes(block[4:8], "little") == crc32c(empty)
    assert crc32c(b"123456789") ^ 0xFFFFFFFF == 0xE3069283  # the one every table of CRCs gives


@given(st.binary(max_size=30) | st.text("a./\n", max_size=12).map(str.encode))
def test_an_ordinary_name_is_judged_as_any_other(path: bytes) -> None:
    """Most names are, and are judged at a glance; behind doubled slashes, none is."""
    assume(not path.startswith(b"/"))

    assert outcome(path) == outcome(b".//" + path)


def outcome(path: bytes) -> bytes | str:
    """The clean path, or what is wrong with it, apart from its name."""
    try:
        return clean(path)
    except BadTar as refusal:
        return str(refusal).rpartition('"')[2]
