"""How the nouns of the cloud are printed: aligned columns for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer


class Output(StrEnum):
    """How a result is printed."""

    TABLE = "table"
    JSON = "json"


OutputOption = Annotated[
    Output, typer.Option("--output", "-o", help="How to print the result.", show_default=True)
]

Row = Mapping[str, Any]
"""One thing to show: JSON field names and values. The table's headers are made of the names."""


def show_rows(rows: Sequence[Row], output: Output, *, empty: str) -> None:
    """Print a list; `empty` is what a person is told when there is nothing."""
    if output is Output.JSON:
        typer.echo(json.dumps(rows, indent=2))
    elif rows:
        typer.echo(_table(rows))
    else:
        typer.echo(empty, err=True)


def show_one(row: Row, output: Output, *, hint: str = "") -> None:
    """Print one thing, a line for each of its fields, and a hint for people."""
    if output is Output.JSON:
        typer.echo(json.dumps(row, indent=2))
        return
    width = max(len(name) for name in row)
    for name, value in row.items():
        typer.echo(f"{_words(name):<{width + 2}}  {_text(value)}".rstrip())
    if hint:
        typer.echo(f"\n{hint}")


def done(text: str, output: Output, **fields: Any) -> None:
    """Say that something was done: a sentence, or its fields as JSON."""
    typer.echo(json.dumps(fields) if output is Output.JSON else text)


def moment(milliseconds: int) -> str:
    """A time of the API for a person; `never` for what does not come."""
    if milliseconds <= 0:
        return "never"
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """Show on a terminal that something is being waited for; quiet elsewhere."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(text):
        yield


def _table(rows: Sequence[Row]) -> str:
    names = list(rows[0])
    lines = [[_words(name).upper() for name in names]]
    lines += [[_text(row[name]) for name in names] for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(names))]
    return "\n".join(
        "   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _words(name: str) -> str:
    """`accessIp` as people write it: `access ip`."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)


def _text(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case None | "":
            return "-"
        case list() | tuple():
            return ", ".join(map(str, value)) or "-"
        case _:
            return str(value)
