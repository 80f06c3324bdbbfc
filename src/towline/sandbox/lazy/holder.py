"""The holder of a rope: a process that does nothing but hold, and have a worker work.

It is started with the rope's descriptors (see `strand`) and lives until the rope is whole or untied.
It imports next to nothing: what does nothing breaks seldom, and takes little memory.
"""

from __future__ import annotations

import contextlib
import select
import time
from pathlib import Path

from towline.sandbox.lazy.journal import Journal, State
from towline.sandbox.lazy.seat import Seat, Seats
from towline.sandbox.lazy.strand import Companion, Held, forget_others

_ARRIVAL, _LOOK = 3.0, 0.05  # seconds
_SPARED = "-1000"  # the kernel never kills it for want of memory (proc_pid_oom_score_adj(5))


def main() -> None:
    """Hold, until it is no longer needed; at once over when another holds already."""
    if not Seats(Held.SEATS).take(Seat.HOLDER):
        return
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_SPARED)
    journal = Journal(Held.JOURNAL)
    forget_others(journal.layers)
    _let_arrive()
    worker = Companion(Seat.WORKER, range(Held.GROUP, Held.FILES + journal.layers), journal)
    while not journal.untied and journal.state is not State.WHOLE:
        pidfd = worker.watch()
        select.select([pidfd], [], [])
        time.sleep(worker.mourn(pidfd))


def _let_arrive() -> None:
    """The owner starts both at once, and a worker has much to import before it has its seat."""
    seats, deadline = Seats(Held.SEATS), time.monotonic() + _ARRIVAL
    while seats.occupant(Seat.WORKER) is None and time.monotonic() < deadline:
        time.sleep(_LOOK)


if __name__ == "__main__":
    main()
