"""The root of the command line, and how it ends.

A `Problem` ends the program with exit code 1 and no traceback, as JSON where `-o json` was asked
for; a wrong invocation with 2; an interruption with 130. Anything else is a defect of Towline and
keeps its traceback.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Annotated

import typer
from typer.main import get_command

from towline.cli.command_table import CommandTable, Place
from towline.problem import Problem

INTERRUPTED = 130  # what a shell reports for SIGINT
_JSON = ("json", "-ojson", "--output=json")


def build(places: Mapping[str, Place]) -> CommandTable:
    """The root of the command line with these commands."""
    app = typer.Typer(
        name="towline",
        cls=CommandTable,
        help="A private container registry, a serverless cluster that pulls from it, and the "
        "network between them.",
        no_args_is_help=True,
        rich_markup_mode=None,  # importing rich takes longer than all that most commands do
        pretty_exceptions_enable=False,
    )
    app.callback()(_root)
    root = get_command(app)
    assert isinstance(root, CommandTable)
    root.take(places)
    return root


def run(root: CommandTable, arguments: Sequence[str]) -> int:
    """Run one command line; the exit code."""
    try:
        root.main(list(arguments), prog_name="towline")
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except Problem as problem:
        return _fail(problem, arguments)
    except BaseExceptionGroup as group:
        return _fail(only_problem(group), arguments)
    return 0


def _fail(problem: Problem, arguments: Sequence[str]) -> int:
    if any(argument in _JSON for argument in arguments):
        error = {"code": problem.code, "cause": problem.cause, "remedy": problem.remedy}
        text = json.dumps({"error": error}, indent=2)
    else:
        text = f"towline: {problem}"
    print(text, file=sys.stderr)
    return 1


def only_problem(group: BaseExceptionGroup[BaseException]) -> Problem:
    """The problem that ended a task group; a group with anything else in it is a defect."""
    leaf: BaseException = group
    while isinstance(leaf, BaseExceptionGroup) and len(leaf.exceptions) == 1:
        leaf = leaf.exceptions[0]
    if isinstance(leaf, Problem):
        return leaf
    raise group


def _show_version(asked: bool) -> None:  # noqa: FBT001  # typer calls it so
    if asked:
        typer.echo(f"towline {version('towline')}")
        raise typer.Exit


def _root(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Say which version this is."
        ),
    ] = False,
) -> None:
    """A private container registry, a serverless cluster that pulls from it, and the network
    between them.
    """
    del version
