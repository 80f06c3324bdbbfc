"""How a rope ends: all is there, or it never will be."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import msgspec

from towline.linux.process import boot_id
from towline.sandbox.lazy.journal import Journal, State


class End(msgspec.Struct, frozen=True):
    """What a rope leaves in its folder for an agent that did not run when it ended."""

    boot: str
    """The run of the machine: after another start, files may lack what was in them."""
    broken: str | None = None
    """Why; None when all was there."""

    @classmethod
    def read(cls, folder: Path) -> End | None:
        """None when the rope has not ended, or when that was before the machine's last start."""
        try:
            end = msgspec.json.decode((folder / "end").read_bytes(), type=cls)
        except (FileNotFoundError, msgspec.MsgspecError):
            return None
        return end if end.boot == boot_id() else None

    def write(self, folder: Path) -> None:
        """Leave it."""
        (folder / "end.new").write_bytes(msgspec.json.encode(self))
        (folder / "end.new").rename(folder / "end")


class Fate:
    """The end of a rope, told to everybody once."""

    def __init__(self, journal: Journal, news: int, folder: Path) -> None:
        """`news` is an eventfd(2) that others read."""
        self._journal = journal
        self._folder = folder
        self._news = news
        self.broken = asyncio.Event()
        if journal.state is State.BROKEN:
            self.broken.set()

    def break_off(self, reason: str) -> None:
        """It will never be whole: readers get errors from now on."""
        print(f"broken: {reason}", file=sys.stderr, flush=True)  # the rope's log
        self._journal.break_off(reason)
        End(boot_id(), reason).write(self._folder)
        self.broken.set()
        os.eventfd_write(self._news, 1)

    def finish(self) -> None:
        """All is there, and verified."""
        End(boot_id()).write(self._folder)
        self._journal.finish()
        os.eventfd_write(self._news, 1)
