"""The nouns of the cloud on the command line, run in the process of a test."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from typing import Any

import typer
from typer.testing import CliRunner

from towline.cli.command_table import CLIENT_COMMANDS, CLOUD
from towline.problem import Problem

Run = Callable[[str], str]
NOUNS = tuple(name for name, place in CLIENT_COMMANDS.items() if place.section == CLOUD)


def app_of(noun: str) -> typer.Typer:
    """The commands of a noun."""
    place = CLIENT_COMMANDS[noun]
    app = getattr(import_module(place.module), place.attribute)
    assert isinstance(app, typer.Typer)
    return app


def run_command(line: str) -> str:
    """Run `towline <line>` in this process; a problem comes out as itself."""
    app = typer.Typer()
    for noun in NOUNS:
        app.add_typer(app_of(noun), name=noun)
    result = CliRunner().invoke(app, line.split())
    if isinstance(result.exception, Problem):
        raise result.exception
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def parsed(text: str) -> Any:
    """The JSON of `-o json`."""
    return json.loads(text)
