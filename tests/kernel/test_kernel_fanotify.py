"""A file with holes, mounted: whoever reads waits for the bytes, and sees those or an error."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import select
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.images import file, tar

from towline.content.erofs import SUPERBLOCK_OFFSET, TAR_OFFSET
from towline.content.index_blob import LayerIndex
from towline.content.index_build import build_index
from towline.content.index_span import unpack_span
from towline.linux.fanotify import Access, CannotWatch, PreContent, Verdict
from towline.linux.mounts import CannotMountFiles, mount_layer, unmount_if_mounted

pytestmark = pytest.mark.root
STEP = 64 * 1024
FILES = {f"f{number}": os.urandom(200_000) + bytes(100_000) for number in range(8)}


class Holes:
    """A layer of which only the metadata is there, and what fills it when it is read."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "layer.erofs"
        packed, windows = folder / "layer.gz", io.BytesIO()
        packed.write_bytes(gzip.compress(tar(*(file(n, c) for n, c in FILES.items())), 6))
        self.packed = packed.read_bytes()
        self.index: LayerIndex = build_index(packed, windows, STEP)
        self.windows = windows.getvalue()
        self.filled = set[int]()
        self.file = self.path.open("w+b", buffering=0)
        end = self.index.metadata_offset + len(self.index.metadata)
        os.truncate(self.path, end)
        os.pwrite(self.file.fileno(), self.index.metadata, self.index.metadata_offset)
        os.pwrite(self.file.fileno(), self.index.superblock, SUPERBLOCK_OFFSET)

    def is_tar(self, access: Access) -> bool:
        """Whether it is about bytes that are not there from the beginning."""
        return TAR_OFFSET <= access.begin < self.index.metadata_offset

    def fill(self, access: Access) -> Verdict:
        """Put the spans of an access into their place."""
        begin = access.begin - TAR_OFFSET
        for number in self.index.covering(begin, begin + access.size):
            if number not in self.filled:
                span, packed = self.index.spans[number], self.index.packed_range(number)
                frame = self.windows[span.window : span.window + span.window_size]
                content = unpack_span(
                    self.index, number, self.packed[packed.start : packed.stop], frame
                )
                os.pwrite(self.file.fileno(), content, TAR_OFFSET + span.begin)
                self.filled.add(number)
        return Verdict.ALLOW


@contextmanager
def group() -> Iterator[PreContent]:
    """A group, where the kernel has them."""
    try:
        made = PreContent.make()
    except CannotWatch as error:
        pytest.skip(str(error))
    try:
        yield made
    finally:
        made.close()


@contextmanager
def mounted(layer: Path) -> Iterator[Path]:
    """A layer, mounted."""
    at = layer.with_name("mounted")
    at.mkdir()
    try:
        mount_layer(layer, at)
    except CannotMountFiles as error:
        pytest.skip(str(error))
    try:
        yield at
    finally:
        unmount_if_mounted(at)


@contextmanager
def answered(watched: PreContent, decide: Callable[[Access], Verdict]) -> Iterator[list[Access]]:
    """Answer whoever waits, in a thread, until the block ends."""
    seen, (end, stop) = list[Access](), os.pipe()

    def serve() -> None:
        poll = select.poll()
        poll.register(watched, select.POLLIN)
        poll.register(end, select.POLLIN)
        while all(fd != end for fd, _ in poll.poll()):
            for access in watched.accesses():
                seen.append(access)
                watched.answer(access, decide(access))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield seen
    finally:
        os.close(stop)
        thread.join()
        os.close(end)


@contextmanager
def marked(folder: Path) -> Iterator[tuple[PreContent, Holes]]:
    """A layer with holes whose readers wait."""
    holes = Holes(folder)
    with group() as watched:
        try:
            watched.mark(holes.file)
        except CannotWatch as error:
            pytest.skip(str(error))
        yield watched, holes
    holes.file.close()


def read(path: Path) -> tuple[int, str]:
    """What a process of its own gets to read: its exit code and the digest."""
    done = subprocess.run(["sha256sum", str(path)], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout[:64]


def test_a_reader_of_a_hole_sees_the_bytes_that_belong_there(tmp_path: Path) -> None:
    """Only the spans of what it reads are filled; without the mark nobody is asked any more."""
    with marked(tmp_path) as (watched, holes), answered(watched, holes.fill) as seen:
        with mounted(holes.path) as at:
            first = read(at / "f3")
            few = len(holes.filled)
            all_read = {name: read(at / name) for name in FILES}
            watched.unmark(holes.file)
            asked = len(seen)
            os.posix_fadvise(holes.file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            again = read(at / "f0")

        wanted = {name: (0, hashlib.sha256(c).hexdigest()) for name, c in FILES.items()}
        assert first == wanted["f3"]
        assert all_read == wanted
        assert 0 < few < len(holes.filled) == len(holes.index.spans)
        assert again == wanted["f0"]
        assert len(seen) == asked > 0
        assert all(access.size > 0 for access in seen)


def test_a_reader_that_is_denied_gets_an_error_and_no_zeros(tmp_path: Path) -> None:
    """And the next one, when the bytes have come, gets them: the failure is not kept."""
    available = threading.Event()
    with marked(tmp_path) as (watched, holes):

        def decide(access: Access) -> Verdict:
            if holes.is_tar(access) and not available.is_set():
                return Verdict.DENY
            return holes.fill(access)

        with answered(watched, decide), mounted(holes.path) as at:
            denied = read(at / "f1")
            available.set()
            served = read(at / "f1")

        assert denied[0] != 0
        assert denied[1] == ""
        assert served == (0, hashlib.sha256(FILES["f1"]).hexdigest())


def test_a_reader_killed_while_it_waits_is_gone_at_once(tmp_path: Path) -> None:
    """Its question can still be answered, and those who come later see the right bytes."""
    waiting, may_go = threading.Event(), threading.Event()
    with marked(tmp_path) as (watched, holes):

        def slow(access: Access) -> Verdict:
            if holes.is_tar(access):
                waiting.set()
                may_go.wait()
            return holes.fill(access)

        with answered(watched, slow), mounted(holes.path) as at:
            reader = subprocess.Popen(["sha256sum", str(at / "f5")], stdout=subprocess.PIPE)
            try:
                is_waiting = waiting.wait(30)
                reader.kill()
                reader.communicate()
            finally:
                may_go.set()
            later = read(at / "f5")

        assert is_waiting
        assert reader.returncode == -signal.SIGKILL
        assert later == (0, hashlib.sha256(FILES["f5"]).hexdigest())


def test_a_file_that_was_not_marked_cannot_be_unmarked(tmp_path: Path) -> None:
    """The kernel says so, and so do we."""
    with group() as watched, (tmp_path / "file").open("w+b") as plain:
        with pytest.raises(FileNotFoundError):
            watched.unmark(plain)

        assert watched.accesses() == ()
