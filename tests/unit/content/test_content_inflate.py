"""Chapter: gzip comes apart the same way however it is cut, and whoever inflates it."""

from __future__ import annotations

import gzip
import random
import zlib
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towline.content import igzip
from towline.content.buffers import PIECE, Buffers
from towline.content.igzip import InPieces, Member
from towline.content.inflate import unpacked
from towline.content.tar_field import BadTar

EITHER = pytest.mark.parametrize("make", [igzip.member, InPieces], ids=["library", "package"])


def inflated(make: Callable[[], Member], packed: bytes, step: int, room: int) -> bytes:
    """One member's content, fed and taken in small steps."""
    member, out = make(), b""
    for begin in range(0, len(packed), step):
        member.feed(packed[begin : begin + step])
        buffer = bytearray(room)
        while count := member.fill(buffer, room // 3):
            out += buffer[room // 3 :][:count]
    assert member.ended
    return out


def noise(size: int) -> bytes:
    """Bytes of which some can be packed."""
    chance = random.Random(size)
    return b"".join(chance.randbytes(40) + bytes(chance.randrange(80)) for _ in range(size // 80))


def cut(content: bytes, sizes: list[int]) -> Iterator[memoryview]:
    """Content in pieces, each in the same buffer as the one before."""
    buffer, begin, number = bytearray(max(sizes)), 0, 0
    while begin < len(content):
        piece = content[begin : begin + sizes[number % len(sizes)]]
        buffer[: len(piece)] = piece
        yield memoryview(buffer)[: len(piece)]
        begin, number = begin + len(piece), number + 1


@EITHER
@pytest.mark.parametrize(("step", "room"), [(1, 3), (7, 1000), (100_000, 50), (100_000, 100_000)])
def test_a_member_comes_apart_in_steps_of_any_size(
    make: Callable[[], Member], step: int, room: int
) -> None:
    """What there is no room for comes the next time."""
    content = noise(9000)

    assert inflated(make, gzip.compress(content), step, room) == content


@EITHER
def test_what_follows_a_member_is_left(make: Callable[[], Member]) -> None:
    """It may be another one."""
    member, buffer = make(), bytearray(100)
    member.feed(gzip.compress(b"one") + b"two")
    count = member.fill(buffer, 0)

    assert (bytes(buffer[:count]), member.ended, bytes(member.rest())) == (b"one", True, b"two")


@EITHER
@pytest.mark.parametrize("at", [0, 2, 15, -6, -2])
def test_a_damaged_member_is_refused(make: Callable[[], Member], at: int) -> None:
    """Its head, its content, its checksum and its length are checked."""
    packed = bytearray(gzip.compress(noise(500)))
    packed[at] ^= 0xFF

    with pytest.raises(igzip.BadGzip):
        inflated(make, bytes(packed), 100, 10_000)


def test_this_machine_inflates_in_place() -> None:
    """The library is what its header says; otherwise all of this would be tried with the package
    only.
    """
    assert not isinstance(igzip.member(), InPieces)


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3 * PIECE)), min_size=1, max_size=4),
    st.lists(st.integers(1, 100_000), min_size=1, max_size=4),
)
def test_members_come_apart_however_they_are_cut(
    members: list[tuple[int, int]], sizes: list[int]
) -> None:
    """Borders of pieces, members and buffers have nothing to do with each other."""
    contents = [noise(size) for _, size in members]
    levels = [level for level, _ in members]
    packed = b"".join(map(gzip.compress, contents, levels))

    assert b"".join(unpacked(cut(packed, sizes))) == b"".join(contents)


def test_buffers_are_used_again_when_they_are_given_back() -> None:
    """The one that is near; and only then."""
    content, buffers, seen, used = noise(8 * PIECE), Buffers(), b"", set[int]()
    for piece in unpacked([gzip.compress(content)], buffers, begin=4096):
        assert isinstance(piece, memoryview)
        seen += piece
        used.add(id(piece.obj))
        buffers.give_back(piece)
    kept = list(unpacked([gzip.compress(content)]))

    assert zlib.crc32(seen) == zlib.crc32(content) == zlib.crc32(b"".join(kept))
    assert len(used) == 1


def test_a_cut_stream_is_no_end() -> None:
    """Also where what came is all that was packed."""
    packed = gzip.compress(noise(500))

    with pytest.raises(BadTar, match="unexpected EOF"):
        list(unpacked([packed[:-1]]))
