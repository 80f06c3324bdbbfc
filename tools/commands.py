"""Write docs/commands.md: every command of `towline`, as its own help tells it.

python tools/commands.py
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from towline.cli.app import build
from towline.cli.command_table import CLIENT_COMMANDS
from towline.main import ROLE_COMMANDS

PAGE = Path(__file__).parent.parent / "docs" / "commands.md"
WIDTH = 100
_HEAD = """# Commands

Every command of `towline`, as `--help` tells it. Written by `make docs`; do not edit.
"""


def main() -> int:
    """Write the page."""
    PAGE.write_text(page())
    return 0


def page() -> str:
    """What stands on it."""
    places = CLIENT_COMMANDS | ROLE_COMMANDS
    parts = [_HEAD]
    root = build(places)
    for section in dict.fromkeys(place.section for place in places.values()):
        parts.append(f"## {section}\n")
        for name, place in places.items():
            if place.section == section:
                parts += _told(f"towline {name}", root.commands[name])
    return "\n".join(parts)


def _told(name: str, command: Any) -> Iterator[str]:
    """A command, or a group's commands below what the group says of itself."""
    if not isinstance(command, TyperGroup):
        yield f"### {name}\n\n```text\n{_help(name, command)}\n```\n"
        return
    yield f"### {name}\n\n{command.help}\n"
    for below, one in command.commands.items():
        yield from (part.replace("###", "####", 1) for part in _told(f"{name} {below}", one))


def _help(name: str, command: Any) -> str:
    context = typer.Context(command, info_name=name, terminal_width=WIDTH)
    lines = command.get_help(context).splitlines()
    return "\n".join(line.rstrip() for line in lines)


if __name__ == "__main__":
    sys.exit(main())
