"""Documents that cannot rot: what they name exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.house.house import ROOT
from tools import commands
from typer.core import TyperGroup

from towline.cli.app import build
from towline.cli.command_table import CLIENT_COMMANDS
from towline.main import ROLE_COMMANDS

DOCUMENTS = ("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md")
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
SCREEN = 45  # lines
SECTIONS = ["Context", "Decision", "Consequences"]
_COMMAND = re.compile(r"(?:^\$ |^  |`)towline ((?:[a-z]+(?: |`|$))+)", re.MULTILINE)
_TARGET = re.compile(r"(?:^|`)make ([a-z]+)", re.MULTILINE)
_MODULE = re.compile(r"`([a-z]+/[a-z_/]+)`")


def documents() -> list[Path]:
    """The pages that a newcomer reads."""
    return [ROOT / name for name in DOCUMENTS]


@pytest.mark.parametrize("page", documents(), ids=lambda page: page.name)
def test_a_page_names_only_commands_that_exist(page: Path) -> None:
    """As far as groups go; what follows is the command's own."""
    unknown = []
    for command in _COMMAND.findall(page.read_text()):
        here: object = build(CLIENT_COMMANDS | ROLE_COMMANDS)
        for word in command.strip("`").split():
            if not isinstance(here, TyperGroup):
                break
            here = here.commands.get(word)
        if here is None:
            unknown.append(command)

    assert unknown == []


@pytest.mark.parametrize("page", documents(), ids=lambda page: page.name)
def test_a_page_names_only_targets_that_exist(page: Path) -> None:
    """Of the Makefile."""
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert set(_TARGET.findall(page.read_text())) - set(targets) == set()


def test_the_architecture_names_only_modules_that_exist() -> None:
    """Its reading order is walked by newcomers."""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    package = ROOT / "src" / "towline"
    missing = [
        name
        for name in _MODULE.findall(text)
        if not any((folder / name).is_dir() for folder in (ROOT, package))
        and not (package / name).with_suffix(".py").is_file()
    ]

    assert missing == []


def test_the_page_of_commands_says_what_their_help_says() -> None:
    """If not: `make docs`."""
    assert commands.PAGE.read_text() == commands.page()


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_fits_on_a_screen_and_says_why(page: Path) -> None:
    """Context, decision, consequences: in this order, and nothing else."""
    lines = page.read_text().splitlines()

    assert len(lines) <= SCREEN
    assert re.fullmatch(rf"# {int(page.stem[:4])}\. .+", lines[0])
    assert [line[3:] for line in lines if line.startswith("## ")] == SECTIONS


def test_decisions_are_numbered_without_a_gap() -> None:
    """A number is never used again."""
    assert [int(page.stem[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    assert all(re.fullmatch(r"\d{4}(-[a-z0-9]+)+", page.stem) for page in DECISIONS)


def test_contributing_fits_on_a_screen() -> None:
    """Or nobody reads it."""
    assert len((ROOT / "CONTRIBUTING.md").read_text().splitlines()) <= SCREEN
