"""`towline down`: the end of an installation's processes, pods and networks; its data stays."""

from __future__ import annotations

import os
import signal
import time

from towline.cli.render import Output, OutputOption, done, waiting
from towline.installation.data_directory import DataDirectory, chosen
from towline.installation.lock import held, holder
from towline.problem import Problem

_GRACE = 40.0  # seconds for four roles to end one after the other, each within its own grace
_POLL = 0.02


def down_command(*, output: OutputOption = Output.TABLE) -> None:
    """Stop every role and every pod, and remove all that was made in the kernel.

    Data stays: `towline up` continues where this ended. Works also when everything was killed.

    Example: sudo towline down
    """
    data = chosen(os.environ)
    stopped, swept = take_down(data)
    words = {
        (True, True): "Stopped; pods and networks are removed. Data stays.",
        (True, False): "Stopped. Data stays.",
        (False, True): "Nothing was running; what was left of pods and networks is removed.",
        (False, False): "Nothing was running.",
    }
    done(words[stopped, swept], output, stopped=stopped, swept=swept)


def take_down(data: DataDirectory) -> tuple[bool, bool]:
    """End the roles and sweep the kernel; whether there was anything of the one and the other.

    Raises `Problem` when a role runs that was started by hand, or when it needs more rights.
    """
    if not data.run.exists():
        return False, False
    _refuse_without_rights(data)
    with waiting("stopping the roles"):
        stopped = _stop_roles(data)
    with (
        held(data.lock, "`towline up`", "repeat `towline down`"),
        waiting("removing pods and networks"),
    ):
        return stopped, _sweep(data)


def _refuse_without_rights(data: DataDirectory) -> None:
    if data.ledger.exists() and os.geteuid() != 0:
        raise Problem(
            "down-needs-root",
            cause="the agent has made namespaces and mounts, which only root can remove",
            remedy=f"run it as root: sudo TOWLINE_DATA={data.root} towline down",
        )


def _stop_roles(data: DataDirectory) -> bool:
    """End the `up` that runs here, if one does, and with it its roles."""
    supervisor = holder(data.lock)
    if supervisor:
        os.kill(supervisor, signal.SIGTERM)
        if not _ends(data, _GRACE):
            os.kill(supervisor, signal.SIGKILL)  # the kernel ends its roles with it
            _ends(data, _GRACE)
    _refuse_strays(data)
    return bool(supervisor)


def _ends(data: DataDirectory, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while holder(data.lock) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL)
    return True


def _refuse_strays(data: DataDirectory) -> None:
    """A killed supervisor's roles are given a moment: the kernel is ending them."""
    deadline = time.monotonic() + 2
    while strays := _held_locks(data):
        if time.monotonic() > deadline:
            name, pid = strays[0]
            raise Problem(
                "role-started-by-hand",
                cause=f"the {name} role still runs as process {pid}, outside of `towline up`",
                remedy=f"end it where it was started, or with `kill {pid}`, and repeat",
            )
        time.sleep(_POLL)


def _held_locks(data: DataDirectory) -> list[tuple[str, int]]:
    found = ((lock.stem, holder(lock)) for lock in sorted(data.run.glob("*.lock")))
    return [(name, pid) for name, pid in found if pid is not None]


def _sweep(data: DataDirectory) -> bool:
    from towline.linux.ledger import Ledger
    from towline.linux.sweep import sweep

    ledger = Ledger.read(data.ledger)
    if ledger is not None:
        sweep(ledger)
    return ledger is not None
