"""The root's commands as a table: where each lives and what the root's help says of it.

Nothing is imported until a command is used, so that `towline --help` and the completion of a shell
are instant. A test proves that the table says what the commands say of themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast

import typer
from typer.core import TyperGroup
from typer.main import get_command_from_info, get_group_from_info
from typer.models import CommandInfo, TyperInfo


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command is defined: a `Typer` of its own, or a single function."""

    module: str
    attribute: str
    summary: str


CLIENT_COMMANDS: dict[str, Place] = {
    "up": Place(
        "towline.cli.up",
        "up_command",
        "Start every role of the installation and keep them running.",
    ),
    "status": Place(
        "towline.cli.status",
        "status_command",
        "Show every role, the doors, and how much there is.",
    ),
    "down": Place(
        "towline.cli.down",
        "down_command",
        "Stop every role and every pod, and remove all that was made in the kernel.",
    ),
    "reset": Place(
        "towline.cli.reset",
        "reset_command",
        "Stop everything and delete all data: registries, images, objects, keys.",
    ),
    "pull": Place(
        "towline.cli.pull",
        "pull_command",
        "Fetch an image and verify it; needs neither a cluster nor root.",
    ),
    "push": Place(
        "towline.cli.push",
        "push_command",
        "Send an image to a registry: an OCI layout (folder or tar), or what `docker save` wrote.",
    ),
    "instance": Place(
        "towline.cli.instance",
        "instance_app",
        "Private registries, each with a domain of its own.",
    ),
    "namespace": Place(
        "towline.cli.namespace",
        "namespace_app",
        "Namespaces of a registry: the first part of every repository's name.",
    ),
    "credential": Place(
        "towline.cli.credential", "credential_app", "User names and passwords of a registry."
    ),
    "link": Place(
        "towline.cli.link", "link_app", "Private links: the way from a VPC to a registry."
    ),
    "vpc": Place("towline.cli.vpc", "vpc_app", "Private networks (VPCs)."),
    "subnet": Place("towline.cli.subnet", "subnet_app", "Subnets of VPCs."),
}


class _Commands(Mapping[str, Any]):
    """The commands by name, each imported when it is looked up."""

    def __init__(self, places: Mapping[str, Place]) -> None:
        self._places = places

    def __getitem__(self, name: str) -> Any:
        return load(name, self._places[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


class CommandTable(TyperGroup):
    """A group whose commands are imported when they are asked for."""

    places: Mapping[str, Place]

    def take(self, places: Mapping[str, Place]) -> None:
        """Offer the commands of a table."""
        self.places = places
        self.commands = cast("MutableMapping[str, Any]", _Commands(places))

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the help's list of commands, without importing any of them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.summary) for name, place in self.places.items()])


def load(name: str, place: Place) -> Any:
    """Import the command that a place names."""
    found = getattr(import_module(place.module), place.attribute)
    if isinstance(found, typer.Typer):
        info = TyperInfo(found, name=name, no_args_is_help=True)
        return get_group_from_info(
            info, pretty_exceptions_short=False, suggest_commands=True, rich_markup_mode=None
        )
    return get_command_from_info(
        CommandInfo(name=name, callback=found), pretty_exceptions_short=False, rich_markup_mode=None
    )
