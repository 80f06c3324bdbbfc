"""Running programs as a person at a terminal would, and what they answered."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

DEADLINE = 180.0  # seconds that any one command may take


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
            raise Unexpected(f"`{shlex.join(self.command)}` ended with {self.code}:\n{self.text}")
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
