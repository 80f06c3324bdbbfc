"""How the story is shown: chapters, sentences, commands, and what was answered."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from demo.command import shown


@dataclass(slots=True)
class Teller:
    """Writes to a terminal, and keeps for the summary how long each chapter took."""

    console: Console
    finished: list[tuple[str, float]] = field(default_factory=list)
    _since: float = field(default=0.0)

    def chapter(self, title: str) -> None:
        """A new chapter begins."""
        self._since = time.monotonic()
        self.console.print(f"\n[bold cyan]── {escape(title)}[/]")

    def finish(self, title: str) -> None:
        """The chapter went as it should."""
        self.finished.append((title, time.monotonic() - self._since))

    def tell(self, sentence: str) -> None:
        """A sentence of the narrator."""
        self.console.print(f"   {escape(sentence)}")

    def command(self, line: str) -> None:
        """A command as it is typed, but for its passwords."""
        self.console.print(f"   [green]$[/] [dim]{escape(shown(line))}[/]")

    def quote(self, text: str) -> None:
        """What somebody answered."""
        self.console.print(f"   [yellow]{escape(text)}[/]")

    def fail(self, text: str, logs: Path) -> None:
        """Something was not as it should be."""
        self.console.print(f"\n[bold red]✗[/] {escape(text)}")
        self.console.print(f"   what the roles said is in {logs}")

    def summary(self) -> None:
        """All chapters that went well."""
        self.console.print("\n[bold]The story, as it was seen to happen:[/]")
        for title, seconds in self.finished:
            self.console.print(f"   [green]✓[/] {escape(title)} [dim]({seconds:.1f} s)[/]")
