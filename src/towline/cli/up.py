"""`towline up`: the whole installation from one command."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer

from towline.cli.app import only_problem
from towline.cli.database_option import DatabaseOption, choose_database
from towline.cli.doors import show_doors
from towline.cli.keep_up import keep_up, roles_here
from towline.cli.render import Output, OutputOption
from towline.installation.data_directory import DataDirectory, chosen_root
from towline.installation.detach import in_background
from towline.installation.lock import held
from towline.installation.run_state import RunState
from towline.problem import Problem


class _Word(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the background reports: how far it is, or its problem."""

    state: RunState | None = None
    code: str = ""
    cause: str = ""
    remedy: str = ""


class _Progress:
    """Names each role on a terminal when it is ready, once."""

    def __init__(self, ready: Callable[[], None]) -> None:
        self._ready = ready
        self._named: set[str] = set()
        self._began = time.monotonic()
        self._done = False

    def heed(self, state: RunState) -> None:
        """Take in a new state; `ready` is called at the first one in which all are."""
        for role in state.roles:
            if role.ready and role.name not in self._named and not self._done:
                self._named.add(role.name)
                self._say(f"  {role.name} is ready after {time.monotonic() - self._began:.1f} s")
        if state.ready and not self._done:
            self._done = True
            self._ready()

    @staticmethod
    def _say(text: str) -> None:
        if sys.stderr.isatty():
            typer.echo(text, err=True)


def up_command(
    *,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return when everything is ready.")
    ] = False,
    uplink: Annotated[
        bool,
        typer.Option(
            "--uplink",
            envvar="TOWLINE_UPLINK",
            help="Connect pods with the host's own network. Adds to the host one link, one nftables "
            "table and ip_forward=1; `towline down` undoes all three.",
        ),
    ] = False,
    database: DatabaseOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Start every role of the installation and keep them running.

    The agent (pods and networks) needs root; without root the other three run alone. Ctrl-C stops
    the roles; pods stay as they are until `towline down`. Without `--uplink` the host's network is
    not touched.

    Example: sudo towline up --detach
    """
    if uplink:
        _refuse_uplink_without_agent()
    os.environ["TOWLINE_UPLINK"] = "1" if uplink else ""  # the roles inherit it
    data = DataDirectory(chosen_root(os.environ))
    data.create()
    choose_database(data, database)
    if sys.stderr.isatty():
        typer.echo(f"starting {', '.join(roles_here())} in {data.root}", err=True)
    if detach:
        _await_background(data)
        show_doors(data, sys.argv[0], output)
        return
    progress = _Progress(lambda: show_doors(data, sys.argv[0], output))
    _hold_up(data, progress.heed)
    typer.echo(
        "Stopped. Pods and networks are as they were: `towline up` goes on, `towline down` "
        "removes them.",
        err=True,
    )


def _refuse_uplink_without_agent() -> None:
    if "agent" not in roles_here():
        raise Problem(
            "uplink-needs-root",
            cause="the agent lays the uplink, and without root there is no agent",
            remedy="run it as root, or leave out --uplink (and TOWLINE_UPLINK)",
        )


def _hold_up(data: DataDirectory, changed: Callable[[RunState], None]) -> None:
    remedy = "see `towline status`; end it with `towline down`"
    with held(data.lock, "`towline up`", remedy):
        keep_up(data, changed)


def _await_background(data: DataDirectory) -> None:
    """Return when the background said that it is ready; raises its `Problem` otherwise."""
    done: list[bool] = []
    progress = _Progress(lambda: done.append(True))
    for line in in_background(lambda tell: _background(data, tell), data.logs / "up.log"):
        word = msgspec.json.decode(line, type=_Word)
        if word.code:
            raise Problem(word.code, cause=word.cause, remedy=word.remedy)
        if word.state is not None:
            progress.heed(word.state)
    if not done:
        raise Problem(
            "up-ended",
            cause="the installation ended before it was ready",
            remedy=f"see {data.logs / 'up.log'}",
        )


def _background(data: DataDirectory, tell: Callable[[bytes], None]) -> int:
    def changed(state: RunState) -> None:
        tell(msgspec.json.encode(_Word(state=state)))
        if state.ready:
            tell(b"")

    try:
        _hold_up(data, changed)
    except (Problem, ExceptionGroup) as error:
        problem = error if isinstance(error, Problem) else only_problem(error)
        tell(msgspec.json.encode(_Word(None, problem.code, problem.cause, problem.remedy)))
        print(f"{datetime.now(UTC).isoformat()} {problem}", file=sys.stderr)
        return 1
    return 0
