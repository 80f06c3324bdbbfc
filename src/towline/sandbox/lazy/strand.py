"""A strand is a process that holds the rope: each has the same descriptors, under the same numbers.

So each can start the other with nothing but what it has itself, and the numbers that the kernel
gives to readers' questions are never those of what every strand holds.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path

from towline.sandbox.lazy.journal import Journal
from towline.sandbox.lazy.seat import Seat, Seats

MOST_FRUITLESS = 40
"""Deaths in a row, between which nothing was filled or answered, until the rope is given up."""
_PATIENT_AFTER = 3
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 3.0
_MODULES = {
    Seat.HOLDER: "towline.sandbox.lazy.holder",
    Seat.WORKER: "towline.sandbox.lazy.worker",
}


class Held(IntEnum):
    """The descriptors that every strand has."""

    GROUP = 3
    """Of fanotify: as long as somebody has it, readers wait."""
    JOURNAL = 4
    ORDER = 5
    NEWS = 6
    """An eventfd(2) that says that the rope is whole or broken."""
    SEATS = 7
    FILES = 8
    """The first layer's file; those of the others follow."""


def start(seat: Seat, held: Sequence[int], log: Path | None = None) -> int:
    """Start a strand with these descriptors, in the order of `Held`; its process. What it has to say
    goes to `log`, or to where our own words go.
    """
    above = max(*held, Held.GROUP + len(held)) + 1
    actions: list[tuple[int, ...] | tuple[int, int, str, int, int]] = []
    if log is not None:
        words = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        actions += [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), words, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
    # By way of higher numbers: a target may be the source of another.
    actions += [(os.POSIX_SPAWN_DUP2, fd, above + n) for n, fd in enumerate(held)]
    actions += [(os.POSIX_SPAWN_DUP2, above + n, Held.GROUP + n) for n in range(len(held))]
    actions += [(os.POSIX_SPAWN_CLOSE, above + n) for n in range(len(held))]
    command = (sys.executable, "-I", "-m", _MODULES[seat])
    return os.posix_spawn(
        command[0], command, os.environ, file_actions=actions, setsid=True, setsigmask=()
    )


def forget_others(files: int) -> None:
    """Close what a strand was left by accident."""
    os.closerange(Held.FILES + files, os.sysconf("SC_OPEN_MAX"))


class Setbacks:
    """Deaths of strands, and what they say about trying again."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._steps = -1
        self._fruitless = 0

    @property
    def hopeless(self) -> bool:
        """Whether another try has no sense."""
        return self._fruitless >= MOST_FRUITLESS

    def another(self) -> float:
        """Somebody has died: for how many seconds to wait before the next begins."""
        steps = self._journal.steps
        self._fruitless = self._fruitless + 1 if steps == self._steps else 0
        self._steps = steps
        excess = self._fruitless - _PATIENT_AFTER
        return 0.0 if excess < 0 else min(_FIRST_PAUSE * 2.0**excess, _LONGEST_PAUSE)


class Companion:
    """The other strand, which each keeps alive."""

    def __init__(self, seat: Seat, held: Sequence[int], journal: Journal) -> None:
        self._seat = seat
        self._held = tuple(held)
        self._seats = Seats(Held.SEATS)
        self._journal = journal
        self._setbacks = Setbacks(journal)

    def watch(self) -> int:
        """A pidfd of the other, readable when it has ended; it is started where there is none."""
        fd = self._seats.watch(self._seat)
        return os.pidfd_open(start(self._seat, self._held)) if fd is None else fd

    def mourn(self, pidfd: int) -> float:
        """It has ended: how long to wait with another. Breaks the rope when that has no sense."""
        reap(pidfd)
        wait = self._setbacks.another()
        if self._setbacks.hopeless:
            self._journal.break_off(f"its {self._seat.name.lower()} ended again and again")
            os.eventfd_write(Held.NEWS, 1)
        return wait


def reap(pidfd: int) -> None:
    """Take note of the end of a process that may be a child, and close its pidfd."""
    with contextlib.suppress(ChildProcessError):
        os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG)
    os.close(pidfd)
