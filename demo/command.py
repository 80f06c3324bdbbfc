"""Running programs as a person at a terminal would, and what they answered."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

DEADLINE = 180.0  # seconds that any one command may take
HIDDEN = "***"
_WORD = r"""(?:'[^']*'|"[^"]*"|\S)+"""
_PASSWORD = re.compile(
    r"(?<!\S)(?:(?='?(--(?:docker-)?password=))|((?:--(?:docker-)?password|-p)\s+))" + _WORD
)


def shown(line: str) -> str:
    """A command line without the passwords in it, as it may be printed and kept."""
    return _PASSWORD.sub(lambda found: (found[1] or found[2]) + HIDDEN, line)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended and what it printed."""

    command: tuple[str, ...]
    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """All that was printed."""
        return self.out + self.err

    def succeeded(self) -> Outcome:
        """Itself; raises `Unexpected` when the program failed."""
        if self.code != 0:
            line = shown(shlex.join(self.command))
            raise Unexpected(f"`{line}` ended with {self.code}:\n{self.text}")
        return self


class Unexpected(AssertionError):
    """Something in the story is not as it should be."""


def run(
    command: Sequence[str], *, environment: Mapping[str, str] | None = None, stdin: str = ""
) -> Outcome:
    """Run a program to its end."""
    ended = subprocess.run(
        list(command),
        env={**os.environ, **(environment or {})},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    return Outcome(tuple(command), ended.returncode, ended.stdout, ended.stderr)
