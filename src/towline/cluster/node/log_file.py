"""Reads a container's log file: the end of it, a part of it, or on and on while it grows.

Follows the file when it is rotated (another file has its name) or cut short. The semantics are those
of `staging/src/k8s.io/cri-client/pkg/logs`; the tail is counted in lines of the present file.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import BinaryIO

from towline.cluster.node.log_line import parse
from towline.cluster.node.log_options import LogOptions

_BLOCK = 64 * 1024
_LOOK_AGAIN = 0.1  # seconds between looks at a file that has not grown


class LogFile:
    """One log as one reader wants it."""

    def __init__(self, path: Path, options: LogOptions, is_running: Callable[[], bool]) -> None:
        self._path = path
        self._options = options
        self._is_running = is_running
        self._left = options.limit_bytes
        self._at_line_start = True

    async def read(self) -> AsyncIterator[bytes]:
        """Pieces of what is wanted, in order; ends with the file, or with the container."""
        file = await self._open()
        if file is None:
            return
        other: BinaryIO | None = None
        try:
            _seek_tail(file, self._options.tail_lines)
            while True:
                # Asked before reading: what was written before the end is read after it.
                running = self._options.follow and self._is_running()
                other = self._successor(file)
                async for piece in self._drain(file):
                    yield piece
                    if self._left == 0:
                        return
                if other is not None:
                    file.close()
                    file, other = other, None
                elif not running:
                    return
                else:
                    await asyncio.sleep(_LOOK_AGAIN)
        finally:
            file.close()
            if other is not None:
                other.close()

    async def _open(self) -> BinaryIO | None:
        """The file; None when the container has ended without one."""
        while True:
            try:
                return self._path.open("rb")
            except FileNotFoundError:
                if not (self._options.follow and self._is_running()):
                    return None
                await asyncio.sleep(_LOOK_AGAIN)

    async def _drain(self, file: BinaryIO) -> AsyncIterator[bytes]:
        """Everything up to the last complete line; what is begun is read again later."""
        while True:
            lines = file.readlines(_BLOCK)
            if lines and not lines[-1].endswith(b"\n"):
                file.seek(-len(lines.pop()), os.SEEK_CUR)
            if not lines:
                return
            if piece := b"".join(self._shown(line) for line in lines):
                yield piece
            await asyncio.sleep(0)

    def _shown(self, raw: bytes) -> bytes:
        line, options = parse(raw), self._options
        if line is None or (options.since is not None and line.nanoseconds < options.since):
            return b""
        stamped = options.timestamps and self._at_line_start
        self._at_line_start = line.is_whole
        return self._limited((line.stamp + b" " if stamped else b"") + line.content)

    def _limited(self, content: bytes) -> bytes:
        if self._left is None:
            return content
        content = content[: self._left]
        self._left -= len(content)
        return content

    def _successor(self, file: BinaryIO) -> BinaryIO | None:
        """Where to read on: in another file of this name, or at the beginning of one cut short."""
        held = os.fstat(file.fileno())
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        if (found.st_dev, found.st_ino) == (held.st_dev, held.st_ino):
            if found.st_size < file.tell():
                file.seek(0)
            return None
        try:
            return self._path.open("rb")
        except FileNotFoundError:
            return None


def _seek_tail(file: BinaryIO, lines: int | None) -> None:
    """Go to where the last so many lines begin."""
    if lines is None:
        return
    position = end = file.seek(0, os.SEEK_END)
    if lines == 0:
        return
    needed = lines
    if end and not _ends_with_line(file, end):
        needed -= 1  # what is begun counts as a line
    while position > 0 and needed >= 0:
        size = min(_BLOCK, position)
        position -= size
        file.seek(position)
        block = file.read(size)
        cut = len(block)
        while needed >= 0 and (cut := block.rfind(b"\n", 0, cut)) >= 0:
            needed -= 1
        if needed < 0:
            file.seek(position + cut + 1)
            return
    file.seek(0)


def _ends_with_line(file: BinaryIO, end: int) -> bool:
    file.seek(end - 1)
    return file.read(1) == b"\n"
