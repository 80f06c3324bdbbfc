"""One line for each layer that comes or goes."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from towline.oci.digest import Digest
from towline.pull.progress import Phase

_SHOWN_DIGITS = 12  # as docker and kubectl abbreviate
_STYLES = {
    Phase.WAITING: "dim",
    Phase.TRANSFERRING: "cyan",
    Phase.UNPACKING: "yellow",
    Phase.DONE: "green",
    Phase.PRESENT: "dim green",
}


class TransferProgress:
    """Shows layers on standard error while the block lasts, when that is a terminal."""

    def __init__(self, console: Console | None = None) -> None:
        console = console or Console(stderr=True)
        self._rows = dict[Digest, TaskID]()
        self._progress = Progress(
            TextColumn("{task.fields[layer]}"),
            TextColumn("[{task.fields[style]}]{task.description:<13}"),
            BarColumn(bar_width=None),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> TransferProgress:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def layer(self, digest: Digest, phase: Phase, have: int, wanted: int) -> None:
        """Show how far a layer is."""
        row = self._rows.get(digest)
        if row is None:
            name = digest.hex[:_SHOWN_DIGITS]
            row = self._progress.add_task(phase.value, layer=name, style="dim", total=wanted)
            self._rows[digest] = row
        self._progress.update(
            row, completed=have, total=wanted, description=phase.value, style=_STYLES[phase]
        )
