"""The process from which workers are forked; see `nursery`. It has no threads, and opens nothing."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from towline.linux.handshake import Authorities
from towline.sandbox.lazy import worker
from towline.sandbox.lazy.journal import MOST_LAYERS
from towline.sandbox.lazy.nursery import PLACE, READY
from towline.sandbox.lazy.strand import Held

_MOST = len(Held) + MOST_LAYERS


def main() -> None:
    """Fork a worker for each message, until nobody can send one any more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so the kernel buries them
    line = socket.socket(fileno=PLACE)
    _know_authorities(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
    gc.freeze()  # what is here already is not looked at again, and its memory stays shared
    line.send(READY)
    while True:
        words, descriptors, _, _ = socket.recv_fds(line, 64, _MOST)
        if not words:
            return
        pid = os.fork()
        if pid == 0:
            _work(line, descriptors)
        for fd in descriptors:
            os.close(fd)
        line.send(str(pid).encode())


def _know_authorities(ca_file: Path | None) -> None:
    """They are kept by the process that has read them, and by those that are forked from it."""
    with contextlib.suppress(OSError):  # workers will say what is wrong
        _ = Authorities(ca_file).trusted


def _work(line: socket.socket, descriptors: Sequence[int]) -> None:
    """Be a worker, as if started as one."""
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        line.close()
        _arrange(descriptors)
        worker.main()
        code = 0
    except BaseException:  # noqa: BLE001  # told to the log; the clean-up of the other process is not ours
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _arrange(descriptors: Sequence[int]) -> None:
    """The first is for words; the others get the numbers that every strand has them under."""
    words, *held = descriptors
    for fd in (1, 2):
        os.dup2(words, fd)
    above = max(*descriptors, Held.GROUP + len(held)) + 1
    for number, fd in enumerate(held):
        os.dup2(fd, above + number)
    for number in range(len(held)):
        os.dup2(above + number, Held.GROUP + number)
    os.closerange(Held.GROUP + len(held), above + len(held))


if __name__ == "__main__":
    main()
