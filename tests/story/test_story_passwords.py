"""What the story prints may be read by anybody: no password is in it."""

from __future__ import annotations

import io
import shlex
import sys

import pytest
from demo.command import HIDDEN, Unexpected, run
from demo.teller import Teller
from rich.console import Console

SECRET = "it's a \"secret"
WAYS = (
    (f"--docker-password={SECRET}",),
    (f"--password={SECRET}",),
    ("--password", SECRET),
    ("-p", SECRET),
)


@pytest.mark.parametrize("password", ["plain-secret", SECRET])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way[0].partition("=")[0])
def test_a_command_is_shown_without_its_password(way: tuple[str, ...], password: str) -> None:
    """However it is given and quoted; all the rest is shown as it is typed."""
    words = ["login", *(word.replace(SECRET, password) for word in way), "--at", "the door"]
    terminal = io.StringIO()
    Teller(Console(file=terminal, soft_wrap=True)).command(shlex.join(words))

    assert "secret" not in terminal.getvalue()
    assert HIDDEN in terminal.getvalue()
    assert terminal.getvalue().endswith(" --at 'the door'\n")


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way[0].partition("=")[0])
def test_a_failed_command_is_told_without_its_password(way: tuple[str, ...]) -> None:
    """The failure names the command, and a log may keep it."""
    failing = [sys.executable, "-c", "raise SystemExit(3)", *way]
    with pytest.raises(Unexpected) as failure:
        run(failing).succeeded()

    assert "secret" not in str(failure.value)
    assert HIDDEN in str(failure.value)
    assert "ended with 3" in str(failure.value)


def test_what_is_no_password_is_shown() -> None:
    """Flags that only resemble one keep their values."""
    line = "towline push --password-stdin --path here --no-p there"
    terminal = io.StringIO()
    Teller(Console(file=terminal, soft_wrap=True)).command(line)

    assert line in terminal.getvalue()
