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
_PLACES = {name: place for name, place in CLIENT_COMMANDS.items() if place.section == CLOUD}
NOUNS = tuple(name for name, place in _PLACES.items() if place.attribute.endswith("_app"))


def app_of(noun: str) -> typer.Typer:
    """The commands of a noun."""
    app = _found(noun)
    assert isinstance(app, typer.Typer)
    return app


def _found(name: str) -> Any:
    place = _PLACES[name]
    return getattr(import_module(place.module), place.attribute)


def run_command(line: str) -> str:
    """Run `towline <line>` in this process; a problem comes out as itself."""
    app = typer.Typer()
    for name in _PLACES:
        if name in NOUNS:
            app.add_typer(app_of(name), name=name)
        else:
            app.command(name)(_found(name))
    result = CliRunner().invoke(app, line.split())
    if isinstance(result.exception, Problem):
        raise result.exception
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def parsed(text: str) -> Any:
    """The JSON of `-o json`."""
    return json.loads(text)
