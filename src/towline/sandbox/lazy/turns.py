"""Who is busy with which layers, so that nobody hangs what another hangs or lets go."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from towline.oci.digest import Digest


class Turns:
    """The turns that are taken. Between `others` and `taken` nothing may be waited for."""

    def __init__(self) -> None:
        self._ends = dict[Digest, asyncio.Event]()

    def others(self, layers: Collection[Digest]) -> asyncio.Event | None:
        """The end of a turn with one of these layers; None when all are free."""
        return next((self._ends[one] for one in layers if one in self._ends), None)

    @contextmanager
    def taken(self, layers: Collection[Digest]) -> Iterator[None]:
        """Be busy with these layers. Where somebody was already, as who has just hung what is let
        go, the later turn counts, and lasts to its own end.
        """
        end = asyncio.Event()
        self._ends |= dict.fromkeys(layers, end)
        try:
            yield
        finally:
            for diff_id in layers:
                if self._ends.get(diff_id) is end:
                    del self._ends[diff_id]
            end.set()
