"""`towline reset`: down, and the data is gone as well."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from towline.cli.database_option import erase_database
from towline.cli.down import take_down
from towline.cli.render import Output, OutputOption, done
from towline.installation.data_directory import DataDirectory, chosen
from towline.problem import Problem


def reset_command(
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Stop everything and delete all data: registries, images, objects, keys.

    Asks first. Files in the data directory that are not Towline's stay; so do the records in a
    database that cannot be reached.

    Example: sudo towline reset --yes
    """
    data = chosen(os.environ)
    if not data.run.exists():
        done(f"There is nothing in {data.root}.", output, data=str(data.root), deleted=False)
        return
    if not yes:
        _ask(data)
    take_down(data)
    left = _erase_database(data)
    data.delete()
    if left is not None:
        typer.echo(f"The schema `towline` stays: {left.cause}", err=True)
        typer.echo("  remedy: remove it by hand: DROP SCHEMA towline CASCADE", err=True)
    done(
        f"All data in {data.root} is deleted.",
        output,
        data=str(data.root),
        deleted=True,
        schemaDeleted=left is None,
    )


def _erase_database(data: DataDirectory) -> Problem | None:
    """Why its schema stays, if it does: a server that is gone for good must not keep the files."""
    try:
        erase_database(data)
    except Problem as problem:
        return problem
    return None


def _ask(data: DataDirectory) -> None:
    try:
        agreed = typer.confirm(f"Delete every registry, image and object in {data.root}?", err=True)
    except typer.Abort:
        agreed = False
    if not agreed:
        raise Problem(
            "reset-not-confirmed",
            cause=f"nobody agreed to delete what is in {data.root}",
            remedy="answer `y`, or give --yes where nobody can be asked",
        )
