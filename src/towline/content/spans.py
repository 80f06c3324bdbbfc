"""What has come of a layer's compressed bytes, kept so that a download can go on where it was cut.

A span is a file that only grows, named by the offset at which it begins:

    <folder>/0000000000000000    from the beginning on
    <folder>/0000000104857600    fetched by another connection at the same time

So nothing else has to be written down: after a crash, what a file holds is what has come. Whether
the bytes are right is for the digest of the whole to say, when all of them are there.

Several threads fill spans; one reads them, from the first byte to the last.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from towline.content.growing import GrowingFile


@dataclass(slots=True, eq=False)
class Span:
    """Bytes from one offset on. Its writer owns what lies between `position` and `end`."""

    path: Path
    begin: int
    size: int
    end: int
    filling: bool = False
    fd: int | None = None
    file: GrowingFile | None = None

    @property
    def position(self) -> int:
        """Where the next byte belongs."""
        return self.begin + self.size

    @property
    def reach(self) -> int:
        """Up to where nobody else should fetch."""
        return self.end if self.filling else self.position

    def opened(self) -> int:
        """The file, opened when it is first needed."""
        if self.fd is None:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            self.fd = os.open(self.path, flags, 0o600)
            self.file = GrowingFile(self.fd, self.size)
        return self.fd

    def growing(self) -> GrowingFile:
        """The file to write to, opened when it is first needed."""
        self.opened()
        assert self.file is not None
        return self.file

    def close(self) -> None:
        """Let go of the file; it is opened again when it is needed again."""
        if self.fd is not None:
            if self.file is not None:
                self.file.give_back()
            os.close(self.fd)
            self.fd = self.file = None


class Spans:
    """The spans of one layer, in a folder of their own."""

    def __init__(self, folder: Path, size: int) -> None:
        """Take up what is in the folder; `size` is how many bytes there are in all."""
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._size = size
        self._changed = threading.Condition()
        self._spans = list(_found(folder, size))
        self.kept = sum(span.size for span in self._spans)
        """How many bytes were there already."""

    def read(self, position: int, view: memoryview) -> int:
        """Some bytes from a position on, waiting for whoever is fetching them; 0 when nobody is."""
        with self._changed:
            while True:
                span = self._covering(position)
                if span is None:
                    return 0
                if span.position > position:
                    break
                self._changed.wait()
            fd, have = span.opened(), span.position - position
        count = os.preadv(fd, [view[:have]], position - span.begin)
        with self._changed:
            if not span.filling and position + count == span.position:
                span.close()
        return count

    def claim(self, position: int) -> Span:
        """The gap at a position, to be filled by the caller."""
        with self._changed:
            after = [span.begin for span in self._spans if span.begin > position]
            return self._take(position, min(after, default=self._size))

    def split(self, least: int) -> Span | None:
        """A part of what is still to come, to be filled by the caller: the largest gap, or else half
        of the largest that somebody else is filling. None when no part is worth it.
        """
        with self._changed:
            begin, end = max(self._gaps(), key=_length, default=(0, 0))
            if end - begin >= least:
                return self._take(begin, end)
            busy = [span for span in self._spans if span.filling]
            span = max(busy, key=lambda span: span.end - span.position, default=None)
            if span is None or span.end - span.position < 2 * least:
                return None
            end, span.end = span.end, span.end - (span.end - span.position) // 2
            return self._take(span.end, end)

    def write(self, span: Span, piece: memoryview) -> int:
        """Add bytes to a span; how many of them belonged there, for its end may have moved."""
        with self._changed:
            piece = piece[: max(span.end - span.position, 0)]
            file = span.growing()
        file.write(piece)
        with self._changed:
            span.size += len(piece)
            self._changed.notify_all()
        return len(piece)

    def release(self, span: Span) -> None:
        """Nobody fills this span any more."""
        with self._changed:
            span.filling, span.end = False, span.position
            span.close()
            if not span.size:
                span.path.unlink(missing_ok=True)
                self._spans.remove(span)
            self._changed.notify_all()

    def close(self) -> None:
        """Keep what is there for another time."""
        with self._changed:
            for span in self._spans:
                span.close()
        with contextlib.suppress(OSError):
            self._folder.rmdir()  # when nothing has come

    def remove(self) -> None:
        """Keep nothing."""
        self.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _covering(self, position: int) -> Span | None:
        covering = (span for span in self._spans if span.begin <= position < span.reach)
        return next(covering, None)

    def _take(self, begin: int, end: int) -> Span:
        for span in self._spans:
            if span.position == begin and not span.filling:
                span.filling, span.end = True, end
                return span
        span = Span(self._folder / f"{begin:016d}", begin, 0, end, filling=True)
        self._spans.append(span)
        return span

    def _gaps(self) -> Iterator[tuple[int, int]]:
        position = 0
        for span in sorted(self._spans, key=lambda span: span.begin):
            if span.begin > position:
                yield position, span.begin
            position = span.reach
        yield position, self._size


def _length(gap: tuple[int, int]) -> int:
    return gap[1] - gap[0]


def _found(folder: Path, size: int) -> Iterator[Span]:
    """The spans in a folder; what overlaps or reaches too far is dropped."""
    position = 0
    for path in sorted(folder.iterdir()):
        length = path.stat().st_size
        begin = int(path.name) if path.name.isdecimal() else -1
        if begin < position or not length or begin + length > size:
            path.unlink()
            continue
        position = begin + length
        yield Span(path, begin, length, position)
